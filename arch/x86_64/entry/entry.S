/* SPDX-License-Identifier: MIT
 *
 * Every way into the kernel.  Each pushes a struct trap_frame (trap_frame.h) and calls a C function
 * with it.  The way back to user mode is in return.S.  Manuals: SDM 3A 6.14 (interrupts in 64-bit
 * mode), SDM 2B SYSCALL, SYSRET, SWAPGS, IRET; AMD APM 2 6.1.1.
 *
 * GS base is the kernel's in the kernel and the user's in user mode, so every entry must find out
 * which one is loaded.  Ordinary entries test the saved CS.  NMI, machine check, double fault and
 * debug exceptions can come between SYSCALL and SWAPGS, or between SWAPGS and the return to user
 * mode: then CS is the kernel's and GS base is the user's.  So these four have their own stacks
 * (IST) and test GS base itself.  The kernel's is negative, and no program can make its own
 * negative: CR4.FSGSBASE is off, and arch_prctl() refuses such a value.
 */
#include "arch/x86_64/entry/frame.h"

	.cfi_sections .debug_frame

	.section .text.hot, "ax"

/* ---- System calls ---------------------------------------------------------------------------- */

/* SYSCALL jumps here.  rcx is the user's rip, r11 the user's rflags.  SFMASK has disabled
 * interrupts. rsp is still the user's. */
	.globl	entry_syscall
	.type	entry_syscall, @function
	.balign	16
entry_syscall:
	.cfi_startproc
	.cfi_signal_frame
	.cfi_def_cfa	%rsp, 0
	.cfi_register	%rip, %rcx
	swapgs
	movq	%rsp, %gs:CPU_USER_SP
	/* For the next two instructions the user's rsp is only in %gs:CPU_USER_SP, which CFI cannot
	 * describe: a debugger that stops here shows the user's rip but a wrong rsp. */
	movq	%gs:CPU_KERNEL_SP, %rsp
	PUSH_VALUE $SELECTOR_USER_DATA
	PUSH_VALUE %gs:CPU_USER_SP
	.cfi_offset	%rsp, FRAME_RSP - FRAME_SIZE
	PUSH_VALUE %r11
	PUSH_VALUE $SELECTOR_USER_CODE
	PUSH_VALUE %rcx
	.cfi_offset	%rip, FRAME_RIP - FRAME_SIZE
	PUSH_VALUE %rax				/* error: the call's number */
	PUSH_VALUE $VECTOR_SYSCALL
	PUSH	rdi
	PUSH	rsi
	PUSH	rdx
	PUSH	rcx
	PUSH_VALUE $-ENOSYS			/* rax */
	PUSH	r8
	PUSH	r9
	PUSH	r10
	PUSH	r11
	PUSH_CALLEE_SAVED

	/* A plain call: nothing is unusual, so it goes straight to its function and back.  Its frame
	 * is complete like any other, because others read it; but rbx and r12 to r15 are not
	 * cleared, since functions of C preserve them. */
	xorl	%ebp, %ebp
	movq	%gs:CPU_CURRENT, %rbx
	andl	$RFLAGS_TF, %r11d		/* SYSRET treats TF differently from IRET */
	orl	THREAD_PENDING_WORK(%rbx), %r11d
	jnz	.Lunusual_call
	cmpq	$SYSCALL_COUNT, %rax
	jae	.Llarge_number
.Lcount_call:
	incq	THREAD_SYSTEM_CALLS(%rbx)
	movq	%gs:CPU_PERCPU_OFFSET, %r11
	incq	syscall_calls(%r11, %rax, 8)
	movq	%r10, %rcx			/* the fourth argument of a C function */
	sti
entry_syscall_call:
	call	*syscall_functions(, %rax, 8)
	.globl	entry_syscall_return
entry_syscall_return:
	movq	%rax, FRAME_RAX(%rsp)
	cli
	movl	THREAD_PENDING_WORK(%rbx), %ecx
	orl	%gs:CPU_NEED_RESCHED, %ecx
#if HEDDLE_DEBUG
	orl	%gs:CPU_PREEMPT_COUNT, %ecx	/* entry_exit_work() asserts that it is 0 */
#endif
	jnz	.Lunusual_return

	/* SYSRET loads rip and rflags from rcx and r11, which are as SYSCALL has pushed them: code
	 * that changes a frame sets WORK_NEW_FRAME, and does not come here.  So rip is not above
	 * USER_MAX, which is canonical; with another rip, SYSRET of Intel processors would fault in
	 * ring 0 on the user's stack (CVE-2012-0217). */
	.cfi_remember_state
	addq	$FRAME_RBP, %rsp
	.cfi_adjust_cfa_offset -FRAME_RBP
	.irp reg, r12, r13, r14, r15
	.cfi_restore %\reg
	.endr
	POP_REGISTERS_OF_CALL
	movq	STUB(FRAME_RSP)(%rsp), %rsp	/* STUB(x): from `vector`, where rsp is now */
	.cfi_def_cfa	%rsp, 0
	.cfi_register	%rip, %rcx
	.cfi_escape	0x14, 7, 0		/* DW_CFA_val_offset rsp: it is the CFA */
	swapgs
	sysretq

	.cfi_restore_state
.Llarge_number:
	movl	%eax, %eax			/* the upper half does not count */
	movl	$SYSCALL_COUNT, %ecx
	cmpl	%ecx, %eax
	cmovael	%ecx, %eax
	jmp	.Lcount_call

	/* The thread is traced, has work to do, or uses TF. */
.Lunusual_call:
	CLEAR_REGISTERS
	movq	%rsp, %rdi
	call	syscall_dispatch
.Lunusual_return:
	movq	%rsp, %rdi
	call	syscall_leave
	jmp	return_to_user
	.cfi_endproc
	.size	entry_syscall, . - entry_syscall

/* SYSCALL in 32-bit code, which only AMD processors have.  There is no 32-bit ABI: return -ENOSYS
 * at once.  The stack is not used, because it is still the user's. */
	.globl	entry_syscall_compat
	.type	entry_syscall_compat, @function
	.balign	16
entry_syscall_compat:
	.cfi_startproc
	.cfi_signal_frame
	.cfi_def_cfa	%rsp, 0
	.cfi_register	%rip, %rcx
	movl	$-ENOSYS, %eax
	sysretl
	.cfi_endproc
	.size	entry_syscall_compat, . - entry_syscall_compat

/* ---- Interrupts and exceptions --------------------------------------------------------------- */

/* Exceptions that IRET can raise (SDM 2A IRET: #NP, #SS, #GP).  If the faulting instruction is the
 * IRET to user mode, GS base is the user's although CS is the kernel's. */
	.type	fault_common, @function
	.balign	16
fault_common:
	CFI_FRAME STUB_SIZE
	cmpq	$entry_user_iret, STUB(FRAME_RIP)(%rsp)
	jne	interrupt_common
	swapgs
	lfence
	jmp	interrupt_common
	.cfi_endproc
	.size	fault_common, . - fault_common

	.type	interrupt_common, @function
	.balign	16
interrupt_common:
	CFI_FRAME STUB_SIZE
	PUSH_REGISTERS
	cld
	testb	$3, FRAME_CS(%rsp)
	jz	1f
	swapgs
	xorl	%ebp, %ebp
	/* On both paths: no speculative access may use the wrong GS base (CVE-2019-1125). */
1:	lfence
	CLEAR_AC
	CLEAR_REGISTERS
	xorl	%ebx, %ebx
	/* If we come from the kernel, rbp is kept: backtraces follow it. */
	movq	%rsp, %rdi
	call	trap_dispatch
	.globl	entry_trap_return
entry_trap_return:
	movq	%rax, %rsp			/* another frame only if user IRET faulted */
	testb	$3, FRAME_CS(%rsp)
	jnz	return_to_user
	POP_REGISTERS
	POP_VECTOR_AND_ERROR
	iretq
	.cfi_endproc
	.size	interrupt_common, . - interrupt_common

/* A debug exception in user mode becomes a signal, and its delivery may sleep: copy the frame to
 * the kernel stack of the thread.  One in the kernel (MOV SS before SYSCALL, CVE-2018-8897) is
 * handled on the IST stack. */
	.type	debug_common, @function
	.balign	16
debug_common:
	CFI_FRAME STUB_SIZE
	testb	$3, STUB(FRAME_CS)(%rsp)
	jz	paranoid_common
	PUSH_VALUE %rax
	leaq	8(%rsp), %rax
	.cfi_def_cfa	%rax, STUB_SIZE
	swapgs
	lfence
	movq	%gs:CPU_KERNEL_SP, %rsp
	swapgs					/* undone: interrupt_common does it itself */
	pushq	STUB(FRAME_SS)(%rax)
	pushq	STUB(FRAME_RSP)(%rax)
	pushq	STUB(FRAME_RFLAGS)(%rax)
	pushq	STUB(FRAME_CS)(%rax)
	pushq	STUB(FRAME_RIP)(%rax)
	pushq	STUB(FRAME_ERROR)(%rax)
	pushq	STUB(FRAME_VECTOR)(%rax)
	movq	-8(%rax), %rax
	.cfi_def_cfa	%rsp, STUB_SIZE
	jmp	interrupt_common
	.cfi_endproc
	.size	debug_common, . - debug_common

/* For exceptions on IST stacks, which can interrupt any instruction.  It does not call
 * entry_exit_work() and returns to exactly where it came from, always by IRET: that IRET unblocks
 * NMIs (SDM 3A 6.7.1). */
	.type	paranoid_common, @function
	.balign	16
paranoid_common:
	CFI_FRAME STUB_SIZE
	PUSH_REGISTERS
	cld
	CLEAR_AC
	xorl	%ebx, %ebx
	movl	$MSR_GS_BASE, %ecx
	rdmsr
	testl	%edx, %edx
	js	1f
	swapgs
	incl	%ebx				/* execute SWAPGS again on return */
1:	lfence
	CLEAR_REGISTERS
	movq	%rsp, %rdi
	call	trap_paranoid
	.globl	entry_paranoid_return
entry_paranoid_return:
	testl	%ebx, %ebx
	jz	2f
	swapgs
2:	POP_REGISTERS
	POP_VECTOR_AND_ERROR
	iretq
	.cfi_endproc
	.size	paranoid_common, . - paranoid_common

/* ---- One stub a vector ----------------------------------------------------------------------- */

/* The processor pushes an error code for exceptions 8, 10-14, 17, 21, 29 and 30 (SDM 3A table 6-1;
 * AMD APM 2 8.2).  For the others the stub pushes 0. */
#define HAS_ERROR_CODE(v) \
	((v) == 8 || ((v) >= 10 && (v) <= 14) || (v) == 17 || (v) == 21 || (v) == 29 || (v) == 30)

	.text
	.globl	entry_stubs
	.type	entry_stubs, @function
	.balign	16
entry_stubs:
	.set	vector, 0
	.rept	256
	.balign	16
	.if HAS_ERROR_CODE(vector)
	CFI_FRAME (FRAME_SIZE-FRAME_ERROR)
	.else
	CFI_FRAME (FRAME_SIZE-FRAME_RIP)
	PUSH_VALUE $0
	.endif
	PUSH_VALUE $vector
	.if vector == VECTOR_DEBUG
	jmp	debug_common
	.elseif vector == VECTOR_NMI || vector == VECTOR_DOUBLE_FAULT || vector == VECTOR_MACHINE_CHECK
	jmp	paranoid_common
	.elseif vector >= 10 && vector <= 13
	jmp	fault_common
	.else
	jmp	interrupt_common
	.endif
	.cfi_endproc
	.set	vector, vector + 1
	.endr
	.balign	16
	.size	entry_stubs, . - entry_stubs

	.section .note.GNU-stack, "", @progbits
