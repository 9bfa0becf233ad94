/* SPDX-License-Identifier: MIT
 *
 * The run queue of a CPU: for the scheduler's files only.
 */
#pragma once

#include "kernel/task/probe.h"
#include "kernel/task/sched.h"

#define IDLE_POLL_NS	 (50 * NSEC_PER_USEC)
#define IDLE_POLL_MIN_NS (IDLE_POLL_NS / 8) /* halved to less than this, polling has not paid lately */

struct runqueue {
	struct spinlock lock;	/* irq; guards the queue and the state of threads whose `cpu` it is */
	struct list threads;	/* thread.run_link: ready, the longest waiting first */
	u32 queued;		/* its length; read by other CPUs without the lock */
	struct thread *idle;
	struct timer slice;	/* fires at the end of the running thread's slice */
	u64 turn_ns;		/* when its turn began; the members of a seed group share one turn */
	u64 since_ns;		/* run_since_ns of the running thread */
	u64 busy_ns, user_samples, kernel_samples; /* as in struct thread_use, of all threads but the idle one */
	u64 poll_ns;		/* how long the idle thread polls for work before it halts */
	u32 polling;		/* the idle thread polls now: setting need_resched is enough to wake it */
	struct sched_cpu_stats stats;
};

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

/* The queue of the CPU where `t` runs or last ran, locked.  Interrupts off. */
struct runqueue *runqueue_lock_of(const struct thread *t);

/* Append a runnable thread, and remove it again.  A member of a seed group that is not the group's holder
 * waits in the list of the group instead.  The lock is held. */
static inline void runqueue_push(struct runqueue *rq, struct thread *t, u64 now_ns)
{
	assert_held(&rq->lock);
	assert(!t->on_queue && t->state == THREAD_RUNNABLE);
	t->on_queue = true;
	t->use.queued_since_ns = now_ns;
	if (!seed_may_queue(t))
		return;
	list_push_back(&rq->threads, &t->run_link);
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

/* Remove and return the thread that has waited longest, or NULL.  The lock is held. */
static inline struct thread *runqueue_pop(struct runqueue *rq)
{
	struct thread *t;

	if (list_empty(&rq->threads))
		return NULL;
	t = list_first(&rq->threads, struct thread, run_link);
	runqueue_take(rq, t);
	return t;
}

/* A CPU has been idle for `idle_ns`.  Short idle times come in series: after one, it pays to poll the
 * next time. */
static inline void runqueue_idle_ended(struct runqueue *rq, u64 idle_ns)
{
	rq->poll_ns = idle_ns < 2 * IDLE_POLL_NS ? IDLE_POLL_NS : rq->poll_ns / 2;
}

/* The running member of a seed group gives way to another member.  Interrupts are off. */
void sched_yield_member(void);

/* CPUs that have a run queue; those that run their idle thread. */
extern struct cpumask cpus_scheduled, cpus_idle;

/* Put a running thread that is in no queue and on no CPU into the queue of a CPU that it may use,
 * and tell that CPU if it is idle: where it last ran if idle, else an idle one, else where it last
 * ran, or with `spread` the one with the shortest queue.  `rq`, the queue of the thread's `cpu`, is
 * locked, and unlocked on return.  Interrupts off. */
void balance_enqueue(struct runqueue *rq, struct thread *t, bool spread, u64 now_ns);

/* May the thread stay on the calling CPU, where it runs?  The lock of its queue, which guards its
 * affinity, is held. */
static inline bool balance_may_stay(const struct thread *t)
{
	u32 only = seed_cpu(t);

	return only == MAX_CPUS ? cpumask_test(&t->affinity, this_cpu_id()) : only == this_cpu_id();
}

/* May the thread run on `cpu`?  The lock of its queue, which guards its affinity, is held. */
static inline bool balance_may_run(const struct thread *t, u32 cpu)
{
	u32 only = seed_cpu(t);

	if (only != MAX_CPUS)
		return only == cpu;
	return cpumask_test(&t->affinity, cpu) && cpumask_test(&cpus_scheduled, cpu);
}

/* For an idle CPU: move a thread of the longest queue that may run here to this CPU's queue.
 * False: there is none.  No run queue's lock held; interrupts off. */
bool balance_steal(u32 to_cpu);

/* Let an idle CPU look for work. */
void balance_call_idle(u32 cpu);

/* A busy CPU's turn ended with others waiting: wake an idle CPU to take one. */
void balance_kick_idle(u32 from_cpu);
