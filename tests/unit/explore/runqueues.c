/* SPDX-License-Identifier: MIT
 *
 * Scenarios of the scheduler: CPUs that run threads in turn, wake them and take them from each
 * other.
 */
#include <string.h>

#include "kernel/task/runqueue.h"
#include "tests/unit/explore/switching.h"

static struct lock_class class = {"explored", 0};
static struct spinlock guard;
static struct wait_queue queue;
static u32 ready, threads;

static void begin(u32 cpus)
{
	switching_setup(cpus);
	spinlock_init(&guard, &class);
	wait_queue_init(&queue, "explored");
	ready = 0;
}

static void end(void)
{
	for (u32 i = 0; i < threads; i++)
		if (switching_threads[i].state != THREAD_DEAD)
			explore_fail("thread %u has not returned: state %u, on CPU %u, queued %u",
				     i, switching_threads[i].state, switching_threads[i].cpu,
				     switching_threads[i].on_queue);
	EXPECT(list_empty(&queue.waiters));
	for (u32 i = 0; i < cpu_count; i++) {
		struct runqueue *rq = runqueue_of(i);

		EXPECT(!rq->queued && list_empty(&rq->woken) && list_empty(&rq->ready));
		EXPECT(explore_cpus[i].current == rq->idle && !rq->lock.owner);
		EXPECT(cpumask_test(&cpus_idle, i));
	}
}

static void sleeper(void)
{
	spin_lock(&guard);
	while (!ready)
		(void)wait_sleep(&queue, &guard, WAIT_FOREVER, 0);
	spin_unlock(&guard);
}

static void waker(void)
{
	spin_lock(&guard);
	ready = 1;
	spin_unlock(&guard);
	wait_wake_all(&queue);
}

static void yielder(void)
{
	sched_yield();
}

/* One on each CPU. */
static void apart(void)
{
	begin(2);
	threads = 2;
	switching_thread(0, 0, sleeper);
	switching_thread(1, 1, waker);
}

/* Both on one CPU: the other one may take one of them. */
static void together(void)
{
	begin(2);
	threads = 2;
	switching_thread(0, 0, sleeper);
	switching_thread(1, 0, waker);
}

static void yielding(void)
{
	begin(2);
	threads = 2;
	switching_thread(0, 0, yielder);
	switching_thread(1, 0, yielder);
}

/* Each on its own CPU.  The waker computes until the sleeper has returned: the other CPU must be
 * told. */
static void waker_waits(void)
{
	waker();
	explore_await(&switching_finished, threads - 1);
}

static void pin(u32 number, u32 cpu, void (*fn)(void))
{
	switching_thread(number, cpu, fn);
	memset(&switching_threads[number].affinity, 0, sizeof(struct cpumask));
	cpumask_set(&switching_threads[number].affinity, cpu);
}

static void pinned(void)
{
	begin(2);
	threads = 2;
	pin(0, 1, sleeper);
	pin(1, 0, waker_waits);
}

/* The wake-up of one sleeper interrupts the other one, which is about to sleep. */
static void preempted(void)
{
	begin(2);
	threads = 3;
	pin(0, 1, sleeper);
	pin(1, 1, sleeper);
	pin(2, 0, waker);
}

#define CPUS2                                                                                      \
	{                                                                                          \
		{"cpu 0", switching_cpu, true},                                                    \
		{                                                                                  \
			"cpu 1", switching_cpu, true                                               \
		}                                                                                  \
	}
#define INTERRUPTS .interrupt_due = switching_interrupt_due, .interrupt = switching_interrupt

static const struct scenario two_apart = {"sched-apart", apart,	     NULL,	   end,
					  CPUS2,	 INTERRUPTS, .large = true};
static const struct scenario two_together = {"sched-together", together,     NULL, end, CPUS2,
					     INTERRUPTS,       .large = true};
static const struct scenario two_yield = {"sched-yield", yielding,   NULL,	   end,
					  CPUS2,	 INTERRUPTS, .large = true};
static const struct scenario two_pinned = {"sched-pinned", pinned, NULL, end, CPUS2, INTERRUPTS};
static const struct scenario three_preempt = {"sched-preempt", preempted,  NULL,	 end,
					      CPUS2,	       INTERRUPTS, .large = true};

const struct scenario *const explore_scenarios[] = {&two_yield,	   &two_pinned,	   &two_apart,
						    &two_together, &three_preempt, NULL};
