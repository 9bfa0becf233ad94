/* SPDX-License-Identifier: MIT
 *
 * What lies under the locks and wait queues, in the explorer.
 */
#include <stdio.h>
#include <string.h>

#include "arch/x86_64/pc/clock.h"
#include "arch/x86_64/pc/smp.h"
#include "kernel/task/runqueue.h"
#include "tests/unit/explore/machine.h"

struct thread explore_threads[ACTORS];
void (*preempt_hook)(void);

static struct lock_class runqueue_class = {"run queue", 0};
static u64 now_ns;
static struct timer *timer;
static u32 clock_sleeps;

void machine_setup(void)
{
	now_ns = 0;
	timer = NULL;
	clock_sleeps = 0;
	memset(explore_threads, 0, sizeof(explore_threads));
	for (u32 i = 0; i < ACTORS; i++) {
		struct thread *t = &explore_threads[i];

		explore_cpus[i] = (struct cpu){.current = t, .id = i};
		explore_irqs[i] = RFLAGS_IF;
		t->tid = (tid_t)i + 1;
		t->cpu = i;
		t->on_cpu = true;
		list_init(&t->run_link);
		spinlock_init(&runqueue_of(i)->lock, &runqueue_class);
	}
}

/* The last switch of a thread takes the lock of its run queue. */
void machine_exit(void)
{
	struct runqueue *rq = runqueue_of(current_thread()->cpu);

	spin_unlock_irq(&rq->lock, spin_lock_irq(&rq->lock));
	explore_gone(current_thread(), sizeof(struct thread));
}

/* The switch takes the lock of the run queue, which is a full barrier; then the CPU is idle until
 * the thread is runnable. */
void schedule(void)
{
	EXPECT(preemptible());
	explore_fence();
	explore_await(&current_thread()->state, THREAD_RUNNABLE);
}

void cpu_relax(void)
{
	explore_relax();
}

/* A thread that is on its CPU is not queued. */
void balance_enqueue(struct runqueue *rq, struct thread *t, bool spread, u64 now)
{
	panic("a thread is queued that has not left its CPU");
}

void smp_reschedule(u32 cpu)
{
}

u64 clock_now_ns(void)
{
	return READ_ONCE(now_ns);
}

/* --- Timers: one, of one thread --------------------------------------------------------------- */

void timer_init(struct timer *t, void (*fn)(struct timer *timer))
{
	*t = (struct timer){.fn = fn, .cpu = TIMER_NOWHERE};
}

void timer_start(struct timer *t, u64 expires_ns)
{
	t->expires_ns = expires_ns;
	__atomic_store_n(&timer, t, __ATOMIC_SEQ_CST);
	__atomic_store_n(&clock_sleeps, 1, __ATOMIC_SEQ_CST);
}

/* After this the timer's function does not run: `clock_sleeps` is 0 once it has returned. */
void timer_cancel_sync(struct timer *t)
{
	if (__atomic_exchange_n(&timer, NULL, __ATOMIC_SEQ_CST))
		__atomic_store_n(&clock_sleeps, 2, __ATOMIC_SEQ_CST);
	else
		explore_await(&clock_sleeps, 0);
}

void machine_clock(void)
{
	for (;;) {
		struct timer *t;

		explore_await(&clock_sleeps, 1);
		t = __atomic_exchange_n(&timer, NULL, __ATOMIC_SEQ_CST);
		if (t) {
			WRITE_ONCE(now_ns, t->expires_ns);
			t->fn(t);
			__atomic_store_n(&clock_sleeps, 0, __ATOMIC_SEQ_CST);
		} else {
			explore_relax(); /* it is being stopped */
		}
	}
}
