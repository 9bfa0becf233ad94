/* SPDX-License-Identifier: MIT
 *
 * Reading the registers that a context switch has saved (saved.h).
 */
#include "kernel/watch/counters/saved.h"

#include "arch/x86_64/cpu/fpu.h"
#include "kernel/task/runqueue.h"

/* Under the lock of its run queue a thread is either running or completely saved (sched.c), and
 * cannot be switched to. */
void thread_saved_read(struct thread *t, struct thread_saved *saved)
{
	u64 flags = irq_save();
	struct runqueue *rq = runqueue_lock_of(t);

	*saved = (struct thread_saved){
	    .on_cpu = t->on_cpu,
	    .kernel_sp = t->arch.saved_sp,
	    .user = *thread_frame(t),
	    .fs_base = t->arch.fs_base,
	    .state = t->on_cpu ? 'R' : thread_state_letter(t),
	};
	if (!t->on_cpu)
		saved->kernel = *(struct switch_frame *)t->arch.saved_sp;
	fpu_area_xmm(t->arch.fpu, saved->xmm);
	spin_unlock(&rq->lock);
	irq_restore(flags);
}
