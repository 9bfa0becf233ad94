/* SPDX-License-Identifier: MIT
 *
 * Reading the registers that a context switch has saved (saved.h).
 */
#include "kernel/watch/counters/saved.h"

#include "arch/x86_64/cpu/fpu.h"
#include "kernel/lib/string.h"
#include "kernel/linux/process_parts.h"
#include "kernel/task/runqueue.h"

/* Copy the registers XMM0 to XMM15, which follow the eight x87 registers (SDM 1 10.5.1).  If the SSE
 * bit of XSTATE_BV is clear they are all zero, and the area does not contain them (SDM 1 13.4). */
static void xmm_read(const struct arch_thread *arch, u8 xmm[16][16])
{
	const char *bytes = (const char *)arch->fpu;
	u64 features;

	memcpy(&features, bytes + 512, sizeof(features));
	if (!arch->fpu_saved || (fpu_xcr0 && !(features & 2)))
		memset(xmm, 0, 256);
	else
		memcpy(xmm, bytes + 160, 256);
}

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
	xmm_read(&t->arch, saved->xmm);
	spin_unlock(&rq->lock);
	irq_restore(flags);
}
