/* SPDX-License-Identifier: MIT
 *
 * The heart of Heddle: one thread stops here and another goes on.
 */
#include "arch/x86_64/cpu/cfi.h"

	.cfi_sections .debug_frame
	.text

/*
 * struct thread *context_switch(u64 *save_sp, u64 load_sp, struct thread *previous);
 *                                    %rdi         %rsi          %rdx
 *
 * The compiler treats this as any call: what a function may overwrite (rax, rcx, rdx, rsi, rdi,
 * r8-r11) the caller has put away already or does not need.  Left are the six registers that a
 * function must preserve (System V ABI, AMD64 supplement, 3.2.1) and the stack pointer.  So the
 * whole state of a thread in the kernel is its stack, and one number that says where.
 *
 * Not switched here, because the kernel itself does not use them: FPU state, FS and GS base, and
 * the page-table root; sched.c did that before, where the next thread has others.
 *
 * Who is "I" after the change of %rsp?  The lines below it run as the other thread: its registers
 * come off its own stack, `ret` takes its return address.  It called this function earlier, perhaps
 * on another CPU, and for it the call returns now.  A thread that never ran finds on its stack what
 * thread_stack_prepare() put there, and "returns" to thread_entry.
 */
	.globl context_switch
	.type context_switch, @function
context_switch:
	.cfi_startproc
	PUSH	rbp			/* save what the outgoing thread must find again */
	PUSH	rbx
	PUSH	r12
	PUSH	r13
	PUSH	r14
	PUSH	r15

	movq %rsp, (%rdi)		/* previous->arch.saved_sp: all of it is on its stack now */
	movq %rsi, %rsp			/* the switch: from here on we are the next thread */

	movq %rdx, %rax			/* tell it who ran before: its result */
	POP	r15
	POP	r14
	POP	r13
	POP	r12
	POP	rbx
	POP	rbp
	ret				/* into the next thread's past */
	.cfi_endproc
	.size context_switch, . - context_switch

/*
 * Where a new thread begins: context_switch() "returned" here with previous in %rax, the function
 * to call in %rbx and its argument in %r12 (thread_stack_prepare()).  It returned behind the nop: a
 * debugger looks up the byte before a return address, which must be in this function.
 */
	.globl thread_entry
	.type thread_entry, @function
thread_entry:
	.cfi_startproc
	.cfi_undefined %rip		/* the outermost frame: nobody called it */
	nop
	xorl %ebp, %ebp
	movq %rax, %rdi
	call *thread_entry_hook(%rip)	/* finish_switch(): release the run queue's lock */
	sti
	testq %rbx, %rbx
	jz 1f
	movq %r12, %rdi
	call *%rbx
1:	jmp *thread_user_return(%rip)	/* the stack pointer is at the trap frame now */
	.cfi_endproc
	.size thread_entry, . - thread_entry

	.section .note.GNU-stack, "", @progbits
