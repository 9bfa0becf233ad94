/* SPDX-License-Identifier: MIT
 *
 * Tests of arch/x86_64: faults while copying user memory, cross-calls, FPU areas, random numbers.
 */
#include "arch/x86_64/cpu/fpu.h"
#include "arch/x86_64/cpu/layout.h"
#include "arch/x86_64/cpu/percpu.h"
#include "arch/x86_64/cpu/usercopy.h"
#include "arch/x86_64/pc/random.h"
#include "arch/x86_64/pc/smp.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "tests/kernel/ktest.h"

/* A kernel thread has no user memory, so each access to it must end in the fixup. */
KTEST(usercopy_without_space_fails)
{
	u64 words[4] = {0};

	for (size_t n = 1; n <= sizeof(words); n++) {
		KEXPECT_EQ(usercopy_raw_in(words, (void *)USER_MIN, n), n);
		KEXPECT_EQ(usercopy_raw_out((void *)(USER_MAX - 64), words, n), n);
		KEXPECT_EQ(usercopy_raw_clear((void *)USER_MIN, n), n);
	}
	KEXPECT_EQ(usercopy_raw_string((char *)words, (char *)USER_MIN, 8), -EFAULT);
}

KTEST(usercopy_string_stops)
{
	char buf[8] = "zzzzzzz";

	KEXPECT_EQ(usercopy_raw_string(buf, "abc", 8), 3);
	KEXPECT(!strcmp(buf, "abc"));
	KEXPECT_EQ(usercopy_raw_string(buf, "abcdef", 4), 4);
	KEXPECT_EQ(usercopy_raw_string(buf, "abc", 0), 0);
}

static void count_call(void *count)
{
	__atomic_fetch_add((u32 *)count, 1, __ATOMIC_RELAXED);
}

KTEST(smp_call_reaches_all_others)
{
	struct cpumask all;
	u32 count = 0, rounds = 100, others = cpumask_count(&cpus_online) - 1;

	memset(&all, 0xff, sizeof(all));
	for (u32 i = 0; i < rounds; i++) {
		preempt_disable();
		smp_call(&all, count_call, &count);
		preempt_enable();
	}
	KEXPECT_EQ(count, rounds * others);
}

KTEST(random_numbers_differ)
{
	u64 a = 0, b = 0;

	random_bytes(&a, sizeof(a));
	random_bytes(&b, sizeof(b));
	KEXPECT(a != b && a && b);
}
