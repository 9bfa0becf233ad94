/* SPDX-License-Identifier: MIT
 *
 * The affinity of threads is changed by others.
 */
#include "arch/x86_64/pc/clock.h"
#include "kernel/lib/errno.h"
#include "kernel/linux/sched/affinity.h"
#include "tests/kernel/ktest.h"

#define THREADS 16
#define TURNS	(THREADS * 100)

static struct lock_class test_class = {"test", 0};

static struct {
	struct spinlock lock;
	struct wait_queue turn_queue;
	struct thread *threads[THREADS];
	u32 begun, running, turn, over;
	u32 lost; /* sleeps that the time-out ended, for which the wake-up must have been lost */
} shared;

/* Wake-ups while the affinity of the threads is changed all the time. */
static void pass_baton(void)
{
	spin_lock(&shared.lock);
	while (shared.turn < TURNS) {
		shared.turn++;
		wait_wake_all(&shared.turn_queue);
		shared.lost += wait_sleep(&shared.turn_queue, &shared.lock,
					  clock_now_ns() + 20 * NSEC_PER_SEC, 0) == -ETIMEDOUT;
	}
	spin_unlock(&shared.lock);
	wait_wake_all(&shared.turn_queue);
	/* No thread ends while another one may still change its affinity. */
	while (!READ_ONCE(shared.over))
		sched_yield();
}

static void move_the_others(void)
{
	while (READ_ONCE(shared.begun) < THREADS)
		sched_yield();
	for (u64 i = 0; READ_ONCE(shared.turn) < TURNS; i++) {
		struct cpumask to = {0};

		cpumask_set(&to, (u32)(i * 7 / THREADS % cpu_count));
		KEXPECT_EQ(sched_set_affinity(shared.threads[i % THREADS], &to), 0);
	}
	WRITE_ONCE(shared.over, 1);
}

static void hop(void *number)
{
	WRITE_ONCE(shared.threads[(u64)number], current_thread());
	__atomic_fetch_add(&shared.begun, 1, __ATOMIC_SEQ_CST);
	if (number)
		pass_baton();
	else
		move_the_others();
	__atomic_fetch_sub(&shared.running, 1, __ATOMIC_SEQ_CST);
}

KTEST(sched_affinity_changes_lose_no_wakeup)
{
	shared.begun = shared.turn = shared.over = shared.lost = 0;
	shared.running = THREADS;
	spinlock_init(&shared.lock, &test_class);
	wait_queue_init(&shared.turn_queue, "turn");
	for (u64 i = 0; i < THREADS; i++)
		if (IS_ERR(kthread_create("test", hop, (void *)i))) {
			KEXPECT(!"kthread_create");
			return;
		}
	while (READ_ONCE(shared.running))
		(void)sleep_until(clock_now_ns() + NSEC_PER_MSEC, 0);
	KEXPECT_EQ(shared.lost, 0);
}

KTEST(sched_affinity_needs_a_cpu)
{
	struct cpumask none = {0};

	KEXPECT_EQ(sched_set_affinity(current_thread(), &none), -EINVAL);
}
