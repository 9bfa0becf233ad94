/* SPDX-License-Identifier: MIT
 *
 * Every way into the kernel, and the ways back to the kernel; the way to user mode is in return.S.
 * Each pushes a struct trap_frame (trap_frame.h)
 * and calls C with it.  Manuals: SDM 3A 6.14 (interrupts in 64-bit mode), SDM 2B SYSCALL, SYSRET,
 * SWAPGS, IRET; AMD APM 2 6.1.1.
 *
 * GS base is the kernel's inside and the user's outside, so every entry must know which it finds.
 * Ordinary entries tell by the saved CS.  NMI, machine check, double fault and debug can come
 * between SYSCALL and SWAPGS, or between SWAPGS and the return, where CS says kernel and GS is the
 * user's: they have stacks of their own (IST) and look at GS base itself, which no user can make
 * negative (CR4.FSGSBASE is off, arch_prctl() refuses).
 */
#include "arch/x86_64/entry/frame.h"

	.cfi_sections .debug_frame

	.text

/* ---- System calls ---------------------------------------------------------------------------- */

/* From SYSCALL: rcx is the user's rip, r11 its rflags; interrupts are off by SFMASK, the stack is
 * still the user's. */
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
	/* For two instructions the user's rsp is where no rule of a debugger reaches: its rip is
	 * known, and its rsp is said to be the kernel's. */
	movq	%gs:CPU_KERNEL_SP, %rsp
	pushq	$SELECTOR_USER_DATA
	.cfi_adjust_cfa_offset 8
	pushq	%gs:CPU_USER_SP
	.cfi_adjust_cfa_offset 8
	.cfi_offset	%rsp, FRAME_RSP - FRAME_SIZE
	pushq	%r11
	.cfi_adjust_cfa_offset 8
	pushq	$SELECTOR_USER_CODE
	.cfi_adjust_cfa_offset 8
	pushq	%rcx
	.cfi_adjust_cfa_offset 8
	.cfi_offset	%rip, FRAME_RIP - FRAME_SIZE
	pushq	%rax				/* error: the call's number */
	.cfi_adjust_cfa_offset 8
	pushq	$VECTOR_SYSCALL
	.cfi_adjust_cfa_offset 8
	PUSH	rdi
	PUSH	rsi
	PUSH	rdx
	PUSH	rcx
	pushq	$-ENOSYS			/* rax */
	.cfi_adjust_cfa_offset 8
	PUSH	r8
	PUSH	r9
	PUSH	r10
	PUSH	r11
	PUSH_CALLEE_SAVED
	CLEAR_REGISTERS
	xorl	%ebx, %ebx
	xorl	%ebp, %ebp
	movq	%rsp, %rdi
	call	syscall_enter
	.globl	entry_syscall_return
entry_syscall_return:
	testb	%al, %al
	jz	return_to_user

	/* SYSRET: syscall_enter() made sure that rip is in the user half (a non-canonical rcx
	 * faults in ring 0 with the user's stack on Intel), rcx = rip and r11 = rflags. */
	POP_REGISTERS
	movq	STUB(FRAME_RSP)(%rsp), %rsp
	.cfi_def_cfa	%rsp, 0
	.cfi_register	%rip, %rcx
	.cfi_escape	0x14, 7, 0		/* DW_CFA_val_offset rsp: it is the CFA */
	swapgs
	sysretq
	.cfi_endproc
	.size	entry_syscall, . - entry_syscall

/* SYSCALL from 32-bit code, on AMD processors only: there is no 32-bit ABI here.  Back at once,
 * without touching the stack. */
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

/* Exceptions that IRET itself can raise (SDM 2A IRET: #NP, #SS, #GP): where it was the one that
 * returns to user mode, GS is the user's although CS says kernel. */
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
	/* On both paths: no GS access may run ahead with the wrong base (CVE-2019-1125). */
1:	lfence
	CLEAR_AC
	CLEAR_REGISTERS
	xorl	%ebx, %ebx
	/* rbp, if the kernel's, stays: backtraces go on through it. */
	movq	%rsp, %rdi
	call	trap_dispatch
	.globl	entry_trap_return
entry_trap_return:
	movq	%rax, %rsp			/* the frame to go back by */
	testb	$3, FRAME_CS(%rsp)
	jnz	return_to_user
	POP_REGISTERS
	POP_VECTOR_AND_ERROR
	iretq
	.cfi_endproc
	.size	interrupt_common, . - interrupt_common

/* Debug exceptions from user mode become signals, which may sleep: onto the thread's own stack.
 * From the kernel (MOV SS before SYSCALL, CVE-2018-8897) they are handled here. */
	.type	debug_common, @function
	.balign	16
debug_common:
	CFI_FRAME STUB_SIZE
	testb	$3, STUB(FRAME_CS)(%rsp)
	jz	paranoid_common
	pushq	%rax
	.cfi_adjust_cfa_offset 8
	leaq	8(%rsp), %rax
	.cfi_def_cfa	%rax, STUB_SIZE
	swapgs
	lfence
	movq	%gs:CPU_KERNEL_SP, %rsp
	swapgs					/* interrupt_common does it again */
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

/* On a stack of the IST, at any instruction.  Goes back to exactly where it came from: nothing that
 * is owed to the user is done on the way, and never by SYSRET, so that NMIs stay blocked until the
 * IRET here (SDM 3A 6.7.1). */
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
	incl	%ebx				/* swap back on return */
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

/* Exceptions 8, 10-14, 17, 21, 29 and 30 come with an error code (SDM 3A table 6-1; AMD APM 2
 * 8.2); for the others a 0 is pushed. */
#define HAS_ERROR_CODE(v) \
	((v) == 8 || ((v) >= 10 && (v) <= 14) || (v) == 17 || (v) == 21 || (v) == 29 || (v) == 30)

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
	pushq	$0
	.cfi_adjust_cfa_offset 8
	.endif
	pushq	$vector
	.cfi_adjust_cfa_offset 8
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
