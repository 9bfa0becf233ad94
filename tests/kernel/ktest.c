/* SPDX-License-Identifier: MIT
 *
 * Runs the self-tests of the kernel and prints KTAP.
 */
#include "arch/x86_64/pc/clock.h"
#include "boot/cmdline.h"
#include "kernel/lib/string.h"
#include "kernel/log/log.h"
#include "kernel/task/thread.h"
#include "tests/kernel/ktest.h"

extern const struct ktest __ktest_start[], __ktest_end[]; /* linker.ld */

static u32 failures; /* in the running test; atomic, as its threads count too */

void ktest_fail(const char *file, int line, const char *text, s64 got, s64 wanted)
{
	__atomic_fetch_add(&failures, 1, __ATOMIC_RELAXED);
	log_info("# %s:%d: %s: got %ld (0x%lx), wanted %ld (0x%lx)", file, line, text, got, got,
		 wanted, wanted);
}

static bool contains(const char *s, const char *what)
{
	size_t n = strlen(what);

	while (*s && strncmp(s, what, n))
		s++;
	return !strncmp(s, what, n);
}

/* Run one test and print its line. */
static bool run(const struct ktest *t, u32 number)
{
	u32 threads = __atomic_load_n(&kthread_count, __ATOMIC_ACQUIRE);
	bool ok;

	__atomic_store_n(&failures, 0, __ATOMIC_RELAXED);
	t->fn();
	/* A thread reports that it is done a moment before it frees its stack.  Wait for that,
	 * because the next test may count frames. */
	for (u32 ms = 0; ms < 1000 && __atomic_load_n(&kthread_count, __ATOMIC_ACQUIRE) > threads; ms++)
		sleep_until(clock_now_ns() + NSEC_PER_MSEC, 0);
	ok = !__atomic_load_n(&failures, __ATOMIC_RELAXED);
	log_info("%sok %u %s", ok ? "" : "not ", number, t->name);
	return ok;
}

/* Run the tests whose names stand in `list`, with commas between them, in this order.  Print each
 * name before its test begins, because the test may never end.  Returns the number of failed
 * tests; a name that no test has counts as one. */
static u32 run_list(char *list)
{
	u32 number = 0, failed = 0;

	for (char *name = list, *next; name; name = next) {
		const struct ktest *t = __ktest_start;

		next = strchr(name, ',');
		if (next)
			*next++ = '\0';
		while (t < __ktest_end && strcmp(t->name, name))
			t++;
		log_info("# begin %s", name);
		if (t == __ktest_end)
			log_info("not ok %u %s: no self-test has this name", ++number, name);
		failed += t == __ktest_end || !run(t, ++number);
	}
	return failed;
}

u32 ktest_run_all(const char *filter)
{
	static char list[2048];
	u32 count = 0, number = 0, failed = 0;

	if (cmdline_get("selftest_list", list, sizeof(list)))
		return run_list(list);
	for (const struct ktest *t = __ktest_start; t < __ktest_end; t++)
		count += contains(t->name, filter);
	log_info("KTAP version 1");
	log_info("1..%u", count);
	for (const struct ktest *t = __ktest_start; t < __ktest_end; t++)
		if (contains(t->name, filter))
			failed += !run(t, ++number);
	if (!count)
		log_info("not ok: no self-test's name contains %s", filter);
	return failed + !count;
}
