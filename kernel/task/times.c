/* SPDX-License-Identifier: MIT
 *
 * The CPU time of a thread, divided between user mode and the kernel.
 */
#include "arch/x86_64/pc/clock.h"
#include "kernel/task/process_events.h"
#include "kernel/task/runqueue.h"

/* Divide `run` between *user_ns and *kernel_ns in the proportion of the samples.  On entry these
 * two hold the values reported before, and neither becomes smaller (times(2)). */
void times_split(u64 run, u64 user_samples, u64 kernel_samples, u64 *user_ns, u64 *kernel_ns)
{
	u64 samples = user_samples + kernel_samples, user = run;

	if (samples)
		user = run / samples * user_samples + run % samples * user_samples / samples;
	user = MAX(user, *user_ns);
	*kernel_ns = MAX(run - MIN(user, run), *kernel_ns);
	*user_ns = run - *kernel_ns;
}

void thread_times(struct thread *t, u64 *user_ns, u64 *kernel_ns)
{
	u64 flags = irq_save(), run;
	struct runqueue *rq = runqueue_lock_of(t); /* no switch to or from `t` under this lock */

	run = t->use.run_ns + (t->on_cpu ? clock_now_ns() - t->use.run_since_ns : 0);
	/* A thread that runs only for short times may never be sampled.  All its time then counts
	 * as user time, or as kernel time if it is a kernel thread. */
	times_split(run, t->use.user_samples, t->use.kernel_samples + !t->is_user,
		    &t->use.counted.user_ns, &t->use.counted.kernel_ns);
	*user_ns = t->use.counted.user_ns;
	*kernel_ns = t->use.counted.kernel_ns;
	spin_unlock(&rq->lock);
	irq_restore(flags);
}

void sched_sample(bool user_mode)
{
	struct thread *t = current_thread();
	struct runqueue *rq = this_runqueue();

	if (t->is_idle)
		return;
	t->use.user_samples += user_mode;
	t->use.kernel_samples += !user_mode;
	rq->user_samples += user_mode;
	rq->kernel_samples += !user_mode;
	process_event(sample, t);
}
