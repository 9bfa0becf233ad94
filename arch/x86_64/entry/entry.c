/* SPDX-License-Identifier: MIT
 *
 * System calls, and the work before a return to user mode.
 */
#include "arch/x86_64/entry/entry.h"

#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/descriptors.h"
#include "arch/x86_64/cpu/layout.h"
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

/* Returns whether SYSRET would return with exactly this frame.  SYSRET loads rip and rflags from
 * rcx and r11, and the selectors from STAR.  It does not restore RF, and it handles TF differently
 * from IRET.  With a non-canonical rip it would fault in ring 0 on the user's stack (Intel:
 * CVE-2012-0217). */
static bool frame_fits_sysret(const struct trap_frame *f)
{
	return f->rcx == f->rip && f->r11 == f->rflags && f->rip < USER_MAX &&
	       f->cs == SELECTOR_USER_CODE && f->ss == SELECTOR_USER_DATA &&
	       !(f->rflags & (RFLAGS_RF | RFLAGS_TF));
}

bool syscall_enter(struct trap_frame *frame)
{
	syscall_dispatch(frame);
	irq_disable();
	/* For the seeded scheduler, which counts single steps: SYSCALL itself raises no debug
	 * exception, since SFMASK clears TF. */
	seed_call_done(frame);
	entry_exit_work(frame);
	return frame_fits_sysret(frame);
}

void entry_exit_work(struct trap_frame *frame)
{
	struct thread *t = current_thread();

	assert(!irqs_enabled() && !preempt_count() && !this_cpu()->irq_depth);
	seed_leave_user(frame);
	for (;;) {
		if (unlikely(need_resched())) {
			schedule(); /* account_leave() counts it as forced: it is runnable */
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
