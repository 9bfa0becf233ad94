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
	const struct thread_use *idle = &rq->idle->use;
	u64 now = clock_now_ns();

	rq->stats.idle_ns = idle->run_ns + (rq->idle->on_cpu ? now - idle->run_since_ns : 0);
	times_split(now - idle->started_ns - rq->stats.idle_ns, rq->user_samples,
		    rq->kernel_samples, &rq->stats.user_ns, &rq->stats.kernel_ns);
	rq->stats.queued = rq->queued;
	rq->stats.running = cpu_get(cpu)->current->tid;
	*stats = rq->stats;
	spin_unlock_irq(&rq->lock, flags);
}
