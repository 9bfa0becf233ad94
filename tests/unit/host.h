/* SPDX-License-Identifier: MIT
 *
 * The harness of the host tests: checks, and TAP on standard output.  A test is a program of its
 * own; its first lines say how it is built:
 *
 *	/ * host-sources: kernel files that it is linked with * /
 *	/ * host-flags: further flags of the compiler * /
 */
#pragma once

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned host_tests, host_failed;
static bool host_ok;

/* The test goes on after a failure. */
#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			printf("# %s:%d: %s\n", __FILE__, __LINE__, #cond);                        \
			host_ok = false;                                                           \
		}                                                                                  \
	} while (0)

#define CHECK_EQ(got, wanted)                                                                      \
	do {                                                                                       \
		long long _got = (long long)(got), _wanted = (long long)(wanted);                  \
		if (_got != _wanted) {                                                             \
			printf("# %s:%d: %s: got %lld, wanted %lld\n", __FILE__, __LINE__, #got,   \
			       _got, _wanted);                                                     \
			host_ok = false;                                                           \
		}                                                                                  \
	} while (0)

/* Run a `void test(void)`. */
#define RUN(test)                                                                                  \
	do {                                                                                       \
		host_ok = true;                                                                    \
		test();                                                                            \
		printf("%sok %u - %s\n", host_ok ? "" : "not ", ++host_tests, #test);              \
		host_failed += !host_ok;                                                           \
	} while (0)

/* The plan; what main() returns. */
static inline int host_done(void)
{
	printf("1..%u\n", host_tests);
	return host_failed != 0;
}

/* A repeatable random number (xorshift). */
static inline unsigned long host_random(void)
{
	static unsigned long x = 88172645463325252UL;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

/* From machine/panic.c: where to go, and what panic() said. */
extern jmp_buf *host_panic_jump;
extern char host_panic_message[512];

/* Does the statement panic? */
#define PANICS(statement)                                                                          \
	({                                                                                         \
		jmp_buf _jump;                                                                     \
		volatile bool _panicked = true;                                                    \
		host_panic_jump = &_jump;                                                          \
		if (!setjmp(_jump)) {                                                              \
			statement;                                                                 \
			_panicked = false;                                                         \
		}                                                                                  \
		host_panic_jump = NULL;                                                            \
		_panicked;                                                                         \
	})
