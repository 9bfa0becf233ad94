/* SPDX-License-Identifier: MIT
 *
 * The run queues, one for each CPU.  This file only keeps the lists; sched.c decides when a thread
 * runs, balance.c on which CPU.
 */
#include "kernel/task/runqueue.h"

#include "kernel/task/probe.h"

struct cpumask cpus_scheduled __hot_data, cpus_idle __hot_data;
static struct lock_class runqueue_class = {"run queue", 0};
DEFINE_PER_CPU(struct runqueue, runqueue_var);

void runqueue_init(struct runqueue *rq, struct thread *idle)
{
	spinlock_init(&rq->lock, &runqueue_class);
	list_init(&rq->woken);
	list_init(&rq->ready);
	rq->idle = idle;
}
