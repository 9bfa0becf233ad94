/* SPDX-License-Identifier: MIT
 *
 * One CPU's run queue: private to kernel/sched.
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
	struct timer slice;	/* the end of the running thread's turn */
	u64 turn_ns;		/* when it began; that of a seed group, with its first member */
	u64 since_ns; /* the running thread's run_since_ns */
	u64 busy_ns, user_samples, kernel_samples; /* as in struct thread, of all but idle */
	u64 poll_ns;		/* how long the idle thread looks out for work before it halts */
	u32 polling;		/* it does so now: need_resched is enough to call it */
	struct sched_cpu_stats stats;
};

void times_split(u64 run, u64 user_samples, u64 kernel_samples, u64 *user_ns, u64 *kernel_ns);

/* Set up the queue of a CPU that is about to schedule. */
void runqueue_init(struct runqueue *rq, struct thread *idle);

/* The CPU has been idle for `idle_ns`: adjust how long the idle thread polls the next time. */
void runqueue_idle_ended(struct runqueue *rq, u64 idle_ns);

struct runqueue *runqueue_of(u32 cpu);
struct runqueue *this_runqueue(void); /* interrupts off */

/* The queue of the CPU where `t` runs or last ran, locked.  Interrupts off. */
struct runqueue *runqueue_lock_of(const struct thread *t);

/* At the back of the queue, or out of it; a member of a seed group that is not its holder waits in
 * the group's list instead.  The lock is held. */
void runqueue_push(struct runqueue *rq, struct thread *t, u64 now_ns);
void runqueue_take(struct runqueue *rq, struct thread *t);

/* The running member of a seed group gives way to another member, with interrupts off. */
void sched_yield_member(void);

/* The longest waiting thread, taken out, or NULL.  The lock is held. */
struct thread *runqueue_pop(struct runqueue *rq);

/* CPUs that have a run queue; those that run their idle thread. */
extern struct cpumask cpus_scheduled, cpus_idle;

/* Put a running thread that is in no queue and on no CPU into the queue of a CPU that it may use,
 * and tell that CPU if it is idle: where it last ran if idle, else an idle one, else where it last
 * ran, or with `spread` the one with the shortest queue.  `rq`, the queue of the thread's `cpu`, is
 * locked, and unlocked on return.  Interrupts off. */
void balance_enqueue(struct runqueue *rq, struct thread *t, bool spread, u64 now_ns);

/* Under the lock of the thread's queue, which guards its affinity. */
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
