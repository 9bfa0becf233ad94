/* SPDX-License-Identifier: MIT
 *
 * The CPUs on which a thread may run (sched_setaffinity(2)).
 */
#include "arch/x86_64/pc/clock.h"
#include "arch/x86_64/pc/smp.h"
#include "kernel/lib/errno.h"
#include "kernel/linux/sched/affinity.h"
#include "kernel/task/runqueue.h"

int sched_set_affinity(struct thread *t, const struct cpumask *mask)
{
	struct runqueue *rq;
	bool self = t == current_thread();
	u64 flags;

	might_sleep();
	for (u32 i = 0;; i++) {
		if (i == MAX_CPUS / 64)
			return -EINVAL;
		if (mask->bits[i] & cpus_scheduled.bits[i])
			break;
	}
	flags = irq_save();
	rq = runqueue_lock_of(t);
	t->affinity = *mask;
	if (!balance_may_run(t, t->cpu) && t->on_queue) {
		runqueue_take(rq, t);
		balance_enqueue(rq, t, true, clock_now_ns());
	} else {
		/* If it runs on a CPU that is no longer allowed, it leaves that CPU at the next
		 * switch, which need_resched makes happen soon. */
		u32 leave = !balance_may_run(t, t->cpu) && t->on_cpu ? t->cpu : MAX_CPUS;

		spin_unlock(&rq->lock);
		if (leave < MAX_CPUS) {
			__atomic_store_n(&cpu_get(leave)->need_resched, 1, __ATOMIC_SEQ_CST);
			if (leave != this_cpu_id())
				smp_reschedule(leave);
		}
	}
	irq_restore(flags);
	if (self && !cpumask_test(mask, this_cpu_id()))
		schedule();
	return 0;
}
