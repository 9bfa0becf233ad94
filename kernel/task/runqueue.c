/* SPDX-License-Identifier: MIT
 *
 * The run queues: one for each CPU, first in, first out.  This file only keeps the lists; sched.c
 * decides when a thread runs, balance.c on which CPU.
 */
#include "kernel/task/runqueue.h"

#include "kernel/task/probe.h"

struct cpumask cpus_scheduled __hot_data, cpus_idle __hot_data;
static struct lock_class runqueue_class = {"run queue", 0};
static DEFINE_PER_CPU(struct runqueue, runqueue_var);
struct runqueue *runqueue_of(u32 cpu)
{
	return per_cpu_ptr(runqueue_var, cpu);
}

struct runqueue *this_runqueue(void)
{
	return this_cpu_ptr(runqueue_var);
}

void runqueue_push(struct runqueue *rq, struct thread *t, u64 now_ns)
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

void runqueue_take(struct runqueue *rq, struct thread *t)
{
	assert_held(&rq->lock);
	assert(t->on_queue);
	t->on_queue = false;
	list_remove(&t->run_link);
	if (!seed_is_queued(t))
		return;
	WRITE_ONCE(rq->queued, rq->queued - 1);
}

struct thread *runqueue_pop(struct runqueue *rq)
{
	struct thread *t;

	if (list_empty(&rq->threads))
		return NULL;
	t = list_first(&rq->threads, struct thread, run_link);
	runqueue_take(rq, t);
	return t;
}

struct runqueue *runqueue_lock_of(const struct thread *t)
{
	for (;;) {
		struct runqueue *rq = runqueue_of(READ_ONCE(t->cpu));

		spin_lock(&rq->lock);
		if (rq == runqueue_of(READ_ONCE(t->cpu)))
			return rq;
		spin_unlock(&rq->lock);
	}
}

void runqueue_init(struct runqueue *rq, struct thread *idle)
{
	spinlock_init(&rq->lock, &runqueue_class);
	list_init(&rq->threads);
	rq->idle = idle;
}

/* Short idle times come in series: after one, it pays to poll the next time. */
void runqueue_idle_ended(struct runqueue *rq, u64 idle_ns)
{
	rq->poll_ns = idle_ns < 2 * IDLE_POLL_NS ? IDLE_POLL_NS : rq->poll_ns / 2;
}
