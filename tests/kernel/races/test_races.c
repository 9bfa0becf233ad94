/* SPDX-License-Identifier: MIT
 *
 * The detector of data races (make SANITIZE=races) finds one that is there, names both places, and
 * is silent where accesses are marked or under a lock.
 */
#include "arch/x86_64/pc/clock.h"
#include "kernel/lib/errno.h"
#include "kernel/sync/spinlock.h"
#include "kernel/task/thread.h"
#include "kernel/task/wait.h"
#include "kernel/watch/races/races.h"
#include "tests/kernel/ktest.h"

#define WORKERS 2
#define ROUNDS	2000000 /* each a chance; some hundred are enough */

static u64 counter, seen;
static struct spinlock counter_lock = SPINLOCK_INIT(NULL);
static u32 workers_left;

static void add_plain(void)
{
	counter++;
	barrier();
}

static void read_or_write(void)
{
	static u32 turn;

	if (__atomic_fetch_add(&turn, 1, __ATOMIC_RELAXED) % 2)
		WRITE_ONCE(counter, this_cpu_id() + 1);
	else
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

static bool found_here(void)
{
	return races_found_at((u64)&counter) > 0;
}

static void worker(void *add)
{
	for (u32 i = 0; i < ROUNDS && !found_here(); i++)
		((void (*)(void))add)();
	__atomic_fetch_sub(&workers_left, 1, __ATOMIC_RELEASE);
}

static bool race_in(void (*add)(void))
{
	u32 created = 0;

	races_forget((u64)&counter);
	__atomic_store_n(&workers_left, WORKERS, __ATOMIC_SEQ_CST);
	for (u32 i = 0; i < WORKERS; i++)
		created += !IS_ERR(kthread_create("ktest", worker, (void *)add));
	KEXPECT_EQ(created, WORKERS);
	while (__atomic_load_n(&workers_left, __ATOMIC_ACQUIRE) > WORKERS - created)
		sleep_until(clock_now_ns() + NSEC_PER_MSEC, 0);
	return found_here();
}

KTEST(races_between_plain_accesses)
{
	KEXPECT_EQ(race_in(add_plain), cpu_count > 1);
	races_forget((u64)&counter);
}

KTEST(races_between_plain_read_and_marked_write)
{
	KEXPECT_EQ(race_in(read_or_write), cpu_count > 1);
	races_forget((u64)&counter);
}

KTEST(races_not_between_marked_accesses)
{
	KEXPECT_EQ(race_in(add_marked), false);
	KEXPECT_EQ(race_in(add_atomic), false);
}

KTEST(races_not_under_a_lock)
{
	KEXPECT_EQ(race_in(add_locked), false);
}
