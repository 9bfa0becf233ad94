/* SPDX-License-Identifier: MIT
 *
 * Tests inside the kernel, run with `selftest` on the command line; they print KTAP (Linux's
 * Documentation/dev-tools/ktap.rst) and may sleep: each runs in a kernel thread, all CPUs up.
 */
#pragma once

#include "kernel/lib/base.h"

struct ktest {
	const char *name;
	void (*fn)(void);
};

/* A test: KTEST(buddy_merges) { KEXPECT(...); } */
#define KTEST(test)                                                                                \
	static void test(void);                                                                    \
	static const struct ktest __used __section(".ktest") ktest_##test = {#test, test};         \
	static void test(void)

/* The test goes on after a failure; both print values and place. */
void ktest_fail(const char *file, int line, const char *text, s64 got, s64 wanted);

#define KEXPECT(cond)                                                                              \
	do {                                                                                       \
		if (!(cond))                                                                       \
			ktest_fail(__FILE__, __LINE__, #cond, 0, 1);                               \
	} while (0)

#define KEXPECT_EQ(got, wanted)                                                                    \
	do {                                                                                       \
		s64 _got = (s64)(got), _wanted = (s64)(wanted);                                    \
		if (_got != _wanted)                                                               \
			ktest_fail(__FILE__, __LINE__, #got, _got, _wanted);                       \
	} while (0)

/* Run all whose name contains `filter` ("" for all). Return the number of failures: of the tests
 * that failed, or 1 if no name contains `filter`. */
u32 ktest_run_all(const char *filter);
