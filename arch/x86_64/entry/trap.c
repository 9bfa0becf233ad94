/* SPDX-License-Identifier: MIT
 *
 * Handling of exceptions and interrupts: signals, page faults, devices, and a panic after an
 * exception of the kernel itself.  SDM 3A 6.15.
 */
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/descriptors.h"
#include "arch/x86_64/cpu/fpu.h"
#include "arch/x86_64/cpu/layout.h"
#include "arch/x86_64/cpu/percpu.h"
#include "arch/x86_64/cpu/usercopy.h"
#include "arch/x86_64/entry/entry.h"
#include "arch/x86_64/pc/apic.h"
#include "arch/x86_64/pc/smp.h"
#include "arch/x86_64/pc/stop.h"
#include "kernel/lib/string.h"
#include "kernel/log/log.h"
#include "kernel/log/panic.h"
#include "kernel/task/kstack.h"
#include "kernel/task/probe.h"
#include "kernel/task/process.h"
#include "kernel/task/sched.h"
#include "kernel/task/signal.h"
#include "kernel/task/timer.h"
#include "kernel/vm/address_space.h"

#define VECTOR_NO_FPU 7
#define VECTOR_X87    16
#define VECTOR_SIMD   19

/* More than there are CPUs, because each may have an old entry in its TLB. */
#define FAULT_REPEATS_MAX 1000

#define DR6_SINGLE_STEP	  (1UL << 14)
#define DR6_CLEAR	  0xffff0ff0UL

/* Read DR6 and clear it. */
static u64 dr6_take(void)
{
	u64 dr6;

	__asm__ volatile("movq %%dr6, %0" : "=r"(dr6));
	__asm__ volatile("movq %0, %%dr6" ::"r"(DR6_CLEAR));
	return dr6;
}

/* The kernel itself caused an exception that it cannot handle: panic.  `address`: CR2. */
static void noreturn trap_panic(const struct trap_frame *frame, u64 address)
{
	panic_cause(frame, address);
	panic_at(frame, "exception in the kernel (vector %lu, error 0x%lx, address 0x%lx)",
		 (unsigned long)frame->vector, (unsigned long)frame->error, (unsigned long)address);
}

/* ---- Page faults ----------------------------------------------------------------------------- */

/* A spurious fault comes from a TLB entry that is older than a right that was added since.  The
 * fault flushes this entry, so each CPU can fault once a page until the right is removed again,
 * which counts in pmap.flushes.  Returns true after FAULT_REPEATS_MAX equal faults without such a
 * flush: the processor, or its emulator, refuses an access that the page table allows. */
static __noinline bool fault_is_endless(struct thread *t, const struct trap_frame *frame,
					u64 address, u64 flushes)
{
	struct repeated_fault *r = &t->arch.repeated;

	if (r->rip != frame->rip || r->address != address || r->error != frame->error ||
	    r->flushes != flushes)
		*r = (struct repeated_fault){frame->rip, address, frame->error, flushes, 0};
	if (++r->count < FAULT_REPEATS_MAX)
		return false;
	log_warn("thread %d (%s): the page at 0x%lx allows the access at rip 0x%lx, but it faults "
		 "again and again (error code 0x%lx)",
		 t->tid, t->name, (unsigned long)address, (unsigned long)frame->rip,
		 (unsigned long)frame->error);
	r->count = 0;
	return true;
}

/* Let the address space handle a page fault, in user mode or in usercopy.  Interrupts on; may
 * sleep. */
static __always_inline enum fault_result fault_resolve(struct thread *t,
						       const struct trap_frame *frame, u64 address)
{
	struct address_space *as = t->process->space;
	u64 error = frame->error;
	enum fault_access access = error & PF_INSTRUCTION ? FAULT_EXEC
				   : error & PF_WRITE	  ? FAULT_WRITE
							  : FAULT_READ;
	enum fault_result result;

	trace_values(error & PF_USER ? TRACE_FAULT_USER : TRACE_FAULT_KERNEL, (u32)error,
		     (u64[]){address, frame->rip}, 2);
	result = as ? address_space_fault(as, address, access) : FAULT_MAPERR;
	if (result == FAULT_SPURIOUS)
		result = fault_is_endless(t, frame, address, READ_ONCE(as->pmap.flushes))
			     ? FAULT_ACCERR
			     : FAULT_DONE;
	if (WITH_OOM && unlikely(result == FAULT_NO_MEMORY))
		result = oom_end_one();
	if (result == FAULT_DONE)
		t->use.counted.minor_faults++;
	return result;
}

/* A page fault in user mode was not resolved: send the signal. */
static __noinline void user_page_fault(struct thread *t, enum fault_result result, u64 address)
{
	/* A handler reads the error code, which must not tell what the kernel has mapped. */
	t->arch.fault_error |= address >= USER_MAX ? PF_PRESENT : 0;
	switch (result) {
	case FAULT_MAPERR:
		signal_force_fault(SIGSEGV, SEGV_MAPERR, address);
		return;
	case FAULT_ACCERR:
		signal_force_fault(SIGSEGV, SEGV_ACCERR, address);
		return;
	case FAULT_BUS:
		signal_force_fault(SIGBUS, BUS_ADRERR, address);
		return;
	case FAULT_NO_MEMORY:
		log_error("out of memory: thread %d (%s) is killed", t->tid, t->name);
		signal_send_thread(t, SIGKILL, NULL);
		return;
	default: /* FAULT_SIGNAL: a fatal one is pending; if the thread survives, it faults again */
		return;
	}
}

/* Handle a page fault of the kernel at an instruction of the exception table: load the page if sleeping is
 * allowed here, else continue at the fixup address, which ends the copy.  During a panic the report
 * reads kernel memory by the same instructions, so that a fault there is no second panic.  Returns
 * false if this is no such fault. */
static bool usercopy_fault(struct trap_frame *frame, u64 address)
{
	u64 fixup = usercopy_fixup(frame->rip);
	struct thread *t = current_thread();

	if (!fixup)
		return false;
	if (!READ_ONCE(panic_in_progress)) {
		enum fault_result result;

		if (address >= USER_MAX || !t)
			return false;
		if (!t->pagefaults_disabled && (frame->rflags & RFLAGS_IF) && !preempt_count()) {
			irq_enable();
			result = fault_resolve(t, frame, address);
			irq_disable();
			if (result == FAULT_DONE)
				return true;
		}
	}
	frame->rip = fixup;
	return true;
}

/* ---- Exceptions of user mode ----------------------------------------------------------------- */

/* The same signals and codes as in Linux.  All other exceptions: SIGSEGV, SI_KERNEL, address 0. */
static const struct {
	s16 signal, code;
	bool address_is_rip;
} user_signals[VECTORS_OF_EXCEPTIONS] = {
    [0] = {SIGFPE, FPE_INTDIV, true},  [3] = {SIGTRAP, SI_KERNEL, false},
    [6] = {SIGILL, ILL_ILLOPN, true},  [11] = {SIGBUS, SI_KERNEL, false},
    [12] = {SIGBUS, SI_KERNEL, false}, [17] = {SIGBUS, BUS_ADRALN, false},
};

/* Returns the signal code for the unmasked floating-point exceptions that are pending (SDM 1 8.3.3,
 * 11.6.6; x87 and SSE use the same bits); 0: none is, and the instruction can be tried again.
 * Interrupts off, so that the FPU registers are still those of the thread. */
static int float_code(u64 vector)
{
	u32 mxcsr, pending;
	u16 status, control;

	if (vector == VECTOR_X87) {
		__asm__ volatile("fnstsw %0\n\tfnstcw %1" : "=m"(status), "=m"(control));
		pending = status & ~(u32)control;
	} else {
		__asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
		pending = mxcsr & ~(mxcsr >> 7);
	}
	if (pending & 1)
		return FPE_FLTINV;
	if (pending & 4)
		return FPE_FLTDIV;
	if (pending & 8)
		return FPE_FLTOVF;
	if (pending & 0x12) /* underflow, or a denormal operand */
		return FPE_FLTUND;
	return pending & 0x20 ? FPE_FLTRES : 0;
}

/* Handle an exception in user mode that is no page fault.  Called and returns with interrupts off.
 * State that another exception could change (DR6, the FPU) is read before interrupts are enabled.
 */
static __noinline void trap_user_other(struct thread *t, struct trap_frame *frame)
{
	u32 vector = (u32)frame->vector;
	int code = 0;

	if (vector == VECTOR_NO_FPU) {
		fpu_claim(&t->arch); /* the first use since the thread was switched to */
		return;
	}
	if (vector == VECTOR_DEBUG) {
		u64 dr6 = dr6_take();

		code = dr6 & DR6_SINGLE_STEP ? TRAP_TRACE : TRAP_BRKPT;
		if (ptrace_on(t))
			code = ptrace_debug(frame, dr6, code);
		if (code == TRAP_TRACE && seed_take_step(frame))
			return;
	}
	t->arch.fault_vector = vector;
	t->arch.fault_error = frame->error;
	switch (vector) {
	case VECTOR_DEBUG:
		irq_enable();
		signal_force_fault(SIGTRAP, code, frame->rip);
		break;
	case VECTOR_X87:
	case VECTOR_SIMD:
		code = float_code(vector);
		irq_enable();
		if (code)
			signal_force_fault(SIGFPE, code, frame->rip);
		break;
	default:
		irq_enable();
		if (user_signals[vector].signal)
			signal_force_fault(user_signals[vector].signal, user_signals[vector].code,
					   user_signals[vector].address_is_rip ? frame->rip : 0);
		else
			signal_force_fault(SIGSEGV, SI_KERNEL, 0);
	}
	irq_disable();
}

/* Handle an exception in user mode.  Called and returns with interrupts off. */
static inline void trap_user(struct trap_frame *frame, u64 address)
{
	struct thread *t = current_thread();
	enum fault_result result;

	if (unlikely(frame->vector != VECTOR_PAGE_FAULT)) {
		trap_user_other(t, frame);
		return;
	}
	t->arch.fault_vector = VECTOR_PAGE_FAULT;
	t->arch.fault_error = frame->error;
	t->arch.fault_address = address;
	if (frame->error & PF_RESERVED)
		trap_panic(frame, address);
	irq_enable();
	result = fault_resolve(t, frame, address);
	if (unlikely(result != FAULT_DONE))
		user_page_fault(t, result, address);
	irq_disable();
}

/* ---- Exceptions of the kernel ---------------------------------------------------------------- */

/* The IRET to user mode faulted, because a signal frame had an invalid segment or address.  Treat
 * this as if the first instruction in user mode had faulted.  The stack, higher addresses first:
 *
 *	ss rsp rflags cs rip	user frame: frame->rsp points at this rip, where IRET was reading
 *	error vector rdi ...	rest of the user frame, which the fault has overwritten with:
 *	    ss rsp rflags cs rip error vector	pushed by the processor and the stub
 *	    rdi ... r15				pushed by PUSH_REGISTERS: the user's values,
 *						because POP_REGISTERS had run
 *
 * So copy the general registers up into the user's frame.  The two frames overlap. */
static struct trap_frame *user_iret_fault(struct trap_frame *frame)
{
	u64 *iret_words = (u64 *)frame->rsp;
	struct trap_frame *user = container_of(iret_words, struct trap_frame, rip);
	u64 vector = frame->vector, error = frame->error;

	require(user == thread_frame(current_thread()));
	memmove(user, frame, offsetof(struct trap_frame, vector));
	user->vector = vector;
	user->error = error;
	trap_user_other(current_thread(), user);
	return user;
}

/* Handle an exception in the kernel.  Returns the frame to return with, or panics.  Interrupts off.
 */
static __noinline struct trap_frame *trap_kernel(struct trap_frame *frame, u64 address)
{
	if (frame->vector == VECTOR_PAGE_FAULT) {
		if (!(frame->error & PF_RESERVED) && usercopy_fault(frame, address))
			return frame;
		trap_panic(frame, address);
	}
	if (frame->rip == (u64)entry_user_iret)
		return user_iret_fault(frame);
	/* The panic report has followed a bad pointer while it walked a stack; or a program's FPU area is
	 * not valid (usercopy_raw_fpu()). */
	if ((READ_ONCE(panic_in_progress) || frame->vector == VECTOR_PROTECTION) &&
	    usercopy_fixup(frame->rip)) {
		frame->rip = usercopy_fixup(frame->rip);
		return frame;
	}
	trap_panic(frame, address);
}

void trap_paranoid(struct trap_frame *frame)
{
	switch (frame->vector) {
	case VECTOR_DEBUG:
		/* A debug exception that was pending before SYSCALL arrives at the first
		 * instruction of the kernel (CVE-2018-8897).  Ignore it: the kernel does not
		 * single-step itself. */
		dr6_take();
		frame->rflags &= ~RFLAGS_TF;
		return;
	case VECTOR_MACHINE_CHECK:
		trap_panic(frame, 0); /* does not return */
	case VECTOR_DOUBLE_FAULT:
		trap_panic(frame, read_cr2()); /* does not return */
	}
	/* NMI.  By an NMI, a CPU stops others for a panic, or asks what they do.  Nothing may fault
	 * before the IRET of this NMI: the IRET of a nested exception would unblock NMIs, and the
	 * next one would overwrite this stack (SDM 3A 6.7.1). */
	if (stop_by_nmi(frame))
		return;
	panic_at(frame, "NMI: sent by hand (`nmi` in QEMU's monitor, or a button) to see what the "
			"machine is doing, or because its hardware failed");
}

/* ---- Interrupts ------------------------------------------------------------------------------ */

/* Handle an interrupt of a device or of another CPU.  Interrupts off. */
static __noinline void interrupt(struct trap_frame *frame)
{
	struct cpu *cpu = this_cpu();
	u8 vector = (u8)frame->vector;

	cpu->irq_depth++;
	cpu->interrupts++;
	trace_value(TRACE_IRQ_ENTRY, vector);
	switch (vector) {
	case VECTOR_TIMER:
		apic_eoi();
		sched_sample(frame_is_user(frame));
		timer_interrupt();
		break;
	case VECTOR_RESCHEDULE: /* need_resched is tested before the return */
		apic_eoi();
		break;
	case VECTOR_CALL:
		apic_eoi();
		smp_call_answer();
		break;
	case VECTOR_IRQ_BASE ... VECTOR_IRQ_LAST:
		irq_dispatch(vector);
		apic_eoi();
		break;
	default: /* a spurious interrupt of the APIC or an 8259 needs no EOI (SDM 3A 11.9) */
		break;
	}
	trace_value(TRACE_IRQ_EXIT, vector);
	cpu->irq_depth--;
}

struct trap_frame *trap_dispatch(struct trap_frame *frame)
{
	/* Read CR2 before anything that could cause another page fault. */
	u64 address = frame->vector == VECTOR_PAGE_FAULT ? read_cr2() : 0;

	if (frame->vector >= VECTORS_OF_EXCEPTIONS) {
		interrupt(frame);
		if (!frame_is_user(frame))
			sched_preempt_from_irq();
	} else if (frame_is_user(frame)) {
		trap_user(frame, address);
	} else {
		frame = trap_kernel(frame, address);
	}
	/* As entry.S does for system calls.  The processor itself has pushed rflags, so they need
	 * no look either. */
	if (frame_is_user(frame) &&
	    (HEDDLE_DEBUG || need_resched() || READ_ONCE(current_thread()->pending_work)))
		entry_exit_work(frame);
	return frame;
}
