/* SPDX-License-Identifier: MIT
 *
 * System calls, and the work before a return to user mode.
 */
#include "arch/x86_64/entry/entry.h"

#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/percpu.h"
#include "kernel/log/panic.h"
#include "kernel/sys/syscall.h"
#include "kernel/task/probe.h"
#include "kernel/task/sched.h"
#include "kernel/task/signal.h"

/* CF PF AF ZF SF TF DF OF NT RF AC ID: the flags that a program may choose.  Nothing may enable I/O
 * ports (IOPL) or virtual-8086 mode, nor disable interrupts. */
#define RFLAGS_OF_USER 0x254dd5UL
#define RFLAGS_ALWAYS  (RFLAGS_IF | 2) /* bit 1 reads as one */

void syscall_leave(struct trap_frame *frame)
{
	irq_disable();
	/* For the seeded scheduler, which counts single steps: SYSCALL itself raises no debug
	 * exception, since SFMASK clears TF. */
	seed_call_done(frame);
	entry_exit_work(frame);
}

void entry_exit_work(struct trap_frame *frame)
{
	struct thread *t = current_thread();

	assert(!irqs_enabled() && !preempt_count() && !this_cpu_read(irq_depth));
	seed_leave_user(frame);
	for (;;) {
		if (unlikely(need_resched())) {
			schedule(); /* account_switch() counts it as forced: it is runnable */
		} else if (READ_ONCE(t->pending_work) & WORK_NEW_FRAME) {
			__atomic_fetch_and(&t->pending_work, ~WORK_NEW_FRAME, __ATOMIC_RELAXED);
		} else if (unlikely(READ_ONCE(t->pending_work) & ~WORK_STICKY)) {
			irq_enable();
			signal_work(frame);
			irq_disable();
		} else {
			break;
		}
	}
	frame->rflags = (frame->rflags & RFLAGS_OF_USER) | RFLAGS_ALWAYS;
	seed_enter_user(frame);
}
