/* SPDX-License-Identifier: MIT
 *
 * The detector of data races (make SANITIZE=races) finds one that is there, names both places, and
 * is silent where accesses are marked or under a lock.
 */
#include "arch/x86_64/pc/clock.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/sync/spinlock.h"
#include "kernel/task/thread.h"
#include "kernel/task/wait.h"
#include "kernel/watch/races/races.h"
#include "tests/kernel/ktest.h"

#define WORKERS 2
#define ROUNDS	2000000 /* each a chance; some hundred are enough */

static u64 words[32], seen;
#define counter words[16]
static struct spinlock counter_lock = SPINLOCK_INIT(NULL);
static u32 workers_left;

static void add_plain(void)
{
	counter++;
	barrier();
}

/* One of these meets read_plain(), and tests/system/test_sanitizers.py looks for its name. */
static __noinline void write_marked(u64 value)
{
	WRITE_ONCE(counter, value);
}

static __noinline void write_atomic(u64 value)
{
	__atomic_store_n(&counter, value, __ATOMIC_RELEASE);
}

static __noinline void add_one_atomic(u64 value)
{
	__atomic_fetch_add(&counter, 1, __ATOMIC_RELAXED);
}

static __noinline void exchange_atomic(u64 value)
{
	u64 old = READ_ONCE(counter);

	__atomic_compare_exchange_n(&counter, &old, value, false, __ATOMIC_RELAXED,
				    __ATOMIC_RELAXED);
}

static __noinline void fill_in_assembler(u64 value)
{
	memset(words, (u8)value, sizeof(words));
}

static void (*const writes[])(u64) = {write_marked, write_atomic, add_one_atomic, exchange_atomic,
				      fill_in_assembler};
static void (*other_write)(u64);

static __noinline void read_plain(void)
{
	WRITE_ONCE(seen, counter);
}

static void read_or_write(void)
{
	static u32 turn;
	u32 mine = __atomic_fetch_add(&turn, 1, __ATOMIC_RELAXED);

	if (mine % 2)
		other_write(mine / 2);
	else
		read_plain();
}

static __noinline void exchange_in_vain(void)
{
	u64 old = ~0UL;

	__atomic_compare_exchange_n(&counter, &old, 1, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
	WRITE_ONCE(seen, counter);
}

static void add_marked(void)
{
	WRITE_ONCE(counter, READ_ONCE(counter) + 1);
}

static void add_atomic(void)
{
	__atomic_fetch_add(&counter, 1, __ATOMIC_RELAXED);
}

static void add_locked(void)
{
	spin_lock(&counter_lock);
	counter++;
	spin_unlock(&counter_lock);
}

/* Is there a report of `counter`, or one that names two places?  A write that begins before the
 * other access is watched, and ends while it is, is found without its place. */
static bool found_here(bool both)
{
	return races_found_at((u64)&counter, both) > 0;
}

static void worker(void *add)
{
	for (u32 i = 0; i < ROUNDS && !found_here(true); i++)
		((void (*)(void))add)();
	__atomic_fetch_sub(&workers_left, 1, __ATOMIC_RELEASE);
}

static void run(void (*add)(void))
{
	u32 created = 0;

	races_forget((u64)&counter);
	__atomic_store_n(&workers_left, WORKERS, __ATOMIC_SEQ_CST);
	for (u32 i = 0; i < WORKERS; i++)
		created += !IS_ERR(kthread_create("ktest", worker, (void *)add));
	KEXPECT_EQ(created, WORKERS);
	while (__atomic_load_n(&workers_left, __ATOMIC_ACQUIRE) > WORKERS - created)
		sleep_until(clock_now_ns() + NSEC_PER_MSEC, 0);
	races_print();
}

KTEST(races_between_plain_accesses)
{
	run(add_plain);
	KEXPECT_EQ(found_here(true), cpu_count > 1);
	races_forget((u64)&counter);
}

KTEST(races_between_plain_read_and_marked_write)
{
	/* On one CPU, where nothing is found, one takes long enough. */
	for (u32 i = 0; i < (cpu_count > 1 ? ARRAY_SIZE(writes) : 1); i++) {
		other_write = writes[i];
		run(read_or_write);
		KEXPECT_EQ(found_here(true), cpu_count > 1);
		races_forget((u64)&counter);
	}
}

KTEST(races_not_between_marked_accesses)
{
	run(add_marked);
	KEXPECT_EQ(found_here(false), false);
	run(add_atomic);
	KEXPECT_EQ(found_here(false), false);
	run(exchange_in_vain); /* which writes nothing */
	KEXPECT_EQ(found_here(false), false);
}

KTEST(races_not_under_a_lock)
{
	run(add_locked);
	KEXPECT_EQ(found_here(false), false);
}
