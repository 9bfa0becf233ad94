/* SPDX-License-Identifier: MIT
 *
 * Setting up the entries, system calls, and the work before user mode.
 */
#include "arch/x86_64/entry/entry.h"

#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/descriptors.h"
#include "arch/x86_64/cpu/layout.h"
#include "arch/x86_64/cpu/percpu.h"
#include "arch/x86_64/cpu/switch.h"
#include "arch/x86_64/cpu/usercopy.h"
#include "arch/x86_64/entry/stop.h"
#include "arch/x86_64/pc/smp.h"
#include "kernel/lib/panic.h"
#include "kernel/sys/syscall.h"
#include "kernel/task/probe.h"
#include "kernel/task/sched.h"
#include "kernel/task/signal.h"

#define MSR_SYSENTER_CS 0x174

#define STUB_BYTES	16

/* CF PF AF ZF SF TF DF OF RF AC ID: what a user may choose.  Signal frames come from the user: no
 * I/O ports (IOPL), no nested task, no virtual-8086 mode, and interrupts stay on. */
#define RFLAGS_OF_USER 0x250dd5UL
#define RFLAGS_ALWAYS  (RFLAGS_IF | 2) /* bit 1 reads as one */

extern char entry_syscall[], entry_syscall_compat[], entry_stubs[];
void entry_user_return(void);

void entry_init(void)
{
	u64 stubs[256];

	for (u32 v = 0; v < 256; v++)
		stubs[v] = (u64)entry_stubs + v * STUB_BYTES;
	idt_init(stubs);
	usercopy_init();
	thread_user_return = entry_user_return;
	smp_cpu_setup_hook = entry_init_cpu;
	stop_init();
}

void entry_init_cpu(void)
{
	/* SYSCALL takes CS and SS from bits 47:32, SYSRET from 63:48 (SDM 3A 5.8.8). */
	wrmsr(MSR_STAR, (u64)SELECTOR_USER_CODE32 << 48 | (u64)SELECTOR_KERNEL_CODE << 32);
	wrmsr(MSR_LSTAR, (u64)entry_syscall);
	wrmsr(MSR_CSTAR, (u64)entry_syscall_compat);
	/* What a user may have set and the kernel must not run with. */
	wrmsr(MSR_SFMASK,
	      RFLAGS_TF | RFLAGS_IF | RFLAGS_DF | RFLAGS_IOPL | RFLAGS_NT | RFLAGS_RF | RFLAGS_AC);
	wrmsr(MSR_SYSENTER_CS, 0);	/* SYSENTER faults (SDM 2B) */
	write_cr0(read_cr0() | CR0_AM); /* a program that sets AC gets its SIGBUS */
}

/* SYSRET loads rip and rflags from rcx and r11 and the selectors from STAR, and restores neither RF
 * nor, before the next instruction, TF as IRET does; a rip that is not canonical would fault in
 * ring 0 on the user's stack (Intel: CVE-2012-0217). */
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
	/* TF makes no exception of SYSCALL, as SFMASK clears it: the step is counted here. */
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
			schedule();
		} else if (unlikely(READ_ONCE(t->pending_work))) {
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
