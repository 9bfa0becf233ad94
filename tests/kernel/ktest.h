/* SPDX-License-Identifier: MIT
 *
 * Tests inside the kernel.  `selftest` on the command line runs them; they print KTAP (Linux:
 * Documentation/dev-tools/ktap.rst).  Each runs in a kernel thread after all CPUs have started, and
 * may sleep.
 */
#pragma once

#include "kernel/lib/base.h"

struct ktest {
	const char *name;
	void (*fn)(void);
};

/* Defines a test: KTEST(buddy_merges) { KEXPECT(...); } */
#define KTEST(test)                                                                                \
	static void test(void);                                                                    \
	static const struct ktest __used __section(".ktest") ktest_##test = {#test, test};         \
	static void test(void)

/* Record a failure and print its values and its place.  The test continues.  KEXPECT() and
 * KEXPECT_EQ() call it. */
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

/* Run all tests whose name contains `filter` ("": all tests).  Returns the number of failed tests,
 * or 1 if no name contains `filter`.  With selftest_list=A,B on the command line, run these
 * instead.  Sleeps. */
u32 ktest_run_all(const char *filter);
