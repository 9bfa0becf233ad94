/* SPDX-License-Identifier: MIT
 *
 * The calling thread moves to certain CPUs, and stays there.
 */
#pragma once

#include "kernel/task/runqueue.h"

/* At least one CPU of `mask` is online.  Sleeps. */
static inline void kpin(const struct cpumask *mask)
{
	u64 flags = irq_save();
	struct runqueue *rq = runqueue_lock_of(current_thread());

	current_thread()->affinity = *mask;
	spin_unlock(&rq->lock);
	irq_restore(flags);
	if (!cpumask_test(mask, this_cpu_id()))
		schedule();
}

static inline void kpin_to(u32 cpu)
{
	struct cpumask mask = {0};

	cpumask_set(&mask, cpu);
	kpin(&mask);
}
