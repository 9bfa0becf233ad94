/* SPDX-License-Identifier: MIT
 *
 * One CPU's run queue: private to kernel/sched.
 */
#pragma once

#include "kernel/sched/sched.h"

struct runqueue {
	struct spinlock lock;	/* irq; guards the queue and the state of threads whose `cpu` it is */
	struct list threads;	/* thread.run_link: ready, the longest waiting first */
	u32 queued;		/* its length; read by other CPUs without the lock */
	struct thread *idle;
	struct thread *evicted; /* left this CPU, which its affinity no longer allows */
	struct timer slice;	/* the end of the running thread's turn */
	struct sched_cpu_stats stats;
};

struct runqueue *runqueue_of(u32 cpu);

/* At the back of the queue, or out of it.  The lock is held. */
void runqueue_push(struct runqueue *rq, struct thread *t, u64 now_ns);
void runqueue_take(struct runqueue *rq, struct thread *t);

/* The longest waiting thread, taken out, or NULL.  The lock is held. */
struct thread *runqueue_pop(struct runqueue *rq);

/* CPUs that run their idle thread. */
extern struct cpumask cpus_idle;

/* The CPU for a thread that becomes ready: where it last ran if idle, else an idle one, else where
 * it last ran; `spread`: else the one with the shortest queue. */
u32 balance_choose_cpu(const struct thread *t, bool spread);

/* Put a thread that is in no queue and on no CPU into the queue of a CPU that it may use, and tell
 * that CPU if it is idle.  No run queue's lock held; interrupts off. */
void balance_enqueue(struct thread *t, bool spread);

/* For an idle CPU: a thread of the longest queue that may run here, its `cpu` set to this one, in
 * no queue; NULL: none.  No run queue's lock held. */
struct thread *balance_steal(u32 to_cpu);

/* A busy CPU's turn ended with others waiting: wake an idle CPU to take one. */
void balance_kick_idle(u32 from_cpu);
