/* SPDX-License-Identifier: MIT
 *
 * The run queue of a CPU: for the scheduler's files only.
 */
#pragma once

#include "kernel/task/probe.h"
#include "kernel/task/sched.h"

#define IDLE_POLL_NS	 (50 * NSEC_PER_USEC)
#define IDLE_POLL_MIN_NS (IDLE_POLL_NS / 8) /* poll_ns below this: polling has not paid lately */

struct runqueue {
	struct spinlock lock;	/* irq; guards the queue and its threads (those with this `cpu`) */
	struct list woken;	/* thread.run_link: TURN_WOKEN; these run first */
	struct list ready;	/* all others; both: the longest waiting first */
	u32 queued;		/* their length; read by other CPUs without the lock */
	struct thread *idle;
	struct timer slice;	/* fires at stop_ns or earlier; expires_ns UINT64_MAX: it is stopped */
	u64 turn_end_ns;	/* when the running thread's slice ends (a seed group shares one) */
	u64 stop_ns;		/* when it is preempted: then, or earlier for a woken thread */
	/* As in struct thread_use, summed over all threads except the idle thread: */
	u64 user_samples, kernel_samples;
	u64 poll_ns;		/* how long the idle thread polls for work before it halts */
	u32 polling;		/* the idle thread polls: a store to need_resched wakes it */
	struct sched_cpu_stats stats;
};

/* Divide a CPU time between user mode and the kernel (times.c). */
void times_split(u64 run, u64 user_samples, u64 kernel_samples, u64 *user_ns, u64 *kernel_ns);

/* Set up the queue of a CPU that is about to schedule. */
void runqueue_init(struct runqueue *rq, struct thread *idle);

extern struct runqueue runqueue_var; /* per CPU */

static inline struct runqueue *runqueue_of(u32 cpu)
{
	return per_cpu_ptr(runqueue_var, cpu);
}

/* Interrupts are off. */
static inline struct runqueue *this_runqueue(void)
{
	return this_cpu_ptr(runqueue_var);
}

/* Put a runnable thread in its place (enum turn), and remove it again.  A member of a seed group
 * that is not the holder of the group waits in a list of the group instead.  The caller holds the
 * lock. */
static inline void runqueue_push(struct runqueue *rq, struct thread *t, u64 now_ns)
{
	assert_held(&rq->lock);
	assert(!t->on_queue && t->state == THREAD_RUNNABLE);
	t->on_queue = true;
	t->use.queued_since_ns = now_ns;
	if (!seed_may_queue(t))
		return;
	if (t->turn == TURN_REST)
		list_push_front(&rq->ready, &t->run_link);
	else
		list_push_back(t->turn == TURN_WOKEN ? &rq->woken : &rq->ready, &t->run_link);
	WRITE_ONCE(rq->queued, rq->queued + 1);
}

static inline void runqueue_take(struct runqueue *rq, struct thread *t)
{
	assert_held(&rq->lock);
	assert(t->on_queue);
	t->on_queue = false;
	list_remove(&t->run_link);
	if (seed_is_queued(t))
		WRITE_ONCE(rq->queued, rq->queued - 1);
}

/* Remove and return the thread that runs next, or NULL: the one that has waited longest of those
 * that slept, or if there is none, of the others.  The caller holds the lock. */
static inline struct thread *runqueue_pop(struct runqueue *rq)
{
	struct list *queue = list_empty(&rq->woken) ? &rq->ready : &rq->woken;
	struct thread *t;

	if (list_empty(queue))
		return NULL;
	t = list_first(queue, struct thread, run_link);
	runqueue_take(rq, t);
	return t;
}

/* Lock and return the queue of the CPU where `t` runs or last ran.  Interrupts are off. */
static inline struct runqueue *runqueue_lock_of(const struct thread *t)
{
	for (;;) {
		u32 cpu = READ_ONCE(t->cpu);
		struct runqueue *rq = runqueue_of(cpu);

		spin_lock(&rq->lock);
		if (likely(cpu == READ_ONCE(t->cpu)))
			return rq;
		spin_unlock(&rq->lock);
	}
}

/* The end of the running thread's turn has changed: let the timer fire at `rq->stop_ns`, if it
 * would fire later.  A timer that fires too early starts again: to move it at each switch would
 * cost more than the switch.  `rq` belongs to the calling CPU, interrupts are off. */
static inline void runqueue_arm(struct runqueue *rq)
{
	if (rq->slice.expires_ns > rq->stop_ns)
		timer_start(&rq->slice, rq->stop_ns);
}

/* Let another member of the calling thread's seed group run.  Interrupts are off. */
void sched_yield_member(void);

/* The CPUs that have a run queue, and those among them that run their idle thread. */
extern struct cpumask cpus_scheduled, cpus_idle;

/* Put a runnable thread that is neither queued nor on a CPU into the queue of a CPU that its
 * affinity allows, and wake that CPU if it is idle.  The choice is: a CPU whose core is idle, if
 * some core runs more than one CPU; the CPU where the thread last ran, if that is idle; any idle
 * CPU; the CPU where it last ran, or with `spread` the CPU with the shortest queue.  The caller has
 * locked `rq`, the queue of the thread's `cpu`; it is unlocked on return.  Interrupts are off. */
void balance_enqueue(struct runqueue *rq, struct thread *t, bool spread, u64 now_ns);

/* May the thread run on `cpu`, which has a run queue?  The caller holds the lock of the thread's
 * queue, which guards its affinity. */
static inline bool balance_may_run(const struct thread *t, u32 cpu)
{
	u32 only = seed_cpu(t);

	return only == MAX_CPUS ? cpumask_test(&t->affinity, cpu) : only == cpu;
}

/* Move a thread from the longest queue to the queue of `to_cpu`, the calling CPU, which is idle.
 * Returns false if no thread of that queue may run here.  No lock of a run queue is held;
 * interrupts are off. */
bool balance_steal(u32 to_cpu);

/* Wake any idle CPU.  Called when a slice of `from_cpu` ends and other threads wait there, so that
 * the idle CPU takes one of them. */
void balance_wake_any(u32 from_cpu);
