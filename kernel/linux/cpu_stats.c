/* SPDX-License-Identifier: MIT
 *
 * What the scheduler has counted on one CPU.
 */
#include "kernel/linux/cpu_stats.h"

#include "arch/x86_64/pc/clock.h"
#include "kernel/task/runqueue.h"

void sched_stats_read(u32 cpu, struct sched_cpu_stats *stats)
{
	struct runqueue *rq = runqueue_of(cpu);
	u64 flags = spin_lock_irq(&rq->lock);
	u64 since = clock_now_ns() - rq->since_ns;
	bool idle = rq->idle->on_cpu;

	rq->stats.idle_ns = rq->idle->use.run_ns + (idle ? since : 0);
	times_split(rq->busy_ns + (idle ? 0 : since), rq->user_samples, rq->kernel_samples,
		    &rq->stats.user_ns, &rq->stats.kernel_ns);
	rq->stats.queued = rq->queued;
	*stats = rq->stats;
	spin_unlock_irq(&rq->lock, flags);
}
