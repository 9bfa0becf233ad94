/* SPDX-License-Identifier: MIT
 *
 * The heart of Heddle: one thread stops here and another goes on.
 */
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
	pushq %rbp			/* save what the outgoing thread must find again */
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbp, 0
	pushq %rbx
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbx, 0
	pushq %r12
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %r12, 0
	pushq %r13
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %r13, 0
	pushq %r14
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %r14, 0
	pushq %r15
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %r15, 0

	movq %rsp, (%rdi)		/* previous->arch.saved_sp: all of it is on its stack now */
	movq %rsi, %rsp			/* the switch: from here on we are the next thread */

	movq %rdx, %rax			/* tell it who ran before: its result */
	popq %r15
	.cfi_adjust_cfa_offset -8
	.cfi_restore %r15
	popq %r14
	.cfi_adjust_cfa_offset -8
	.cfi_restore %r14
	popq %r13
	.cfi_adjust_cfa_offset -8
	.cfi_restore %r13
	popq %r12
	.cfi_adjust_cfa_offset -8
	.cfi_restore %r12
	popq %rbx
	.cfi_adjust_cfa_offset -8
	.cfi_restore %rbx
	popq %rbp
	.cfi_adjust_cfa_offset -8
	.cfi_restore %rbp
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
	call *thread_entry_hook(%rip)	/* the scheduler's half: drop the run queue's lock */
	sti
	testq %rbx, %rbx
	jz 1f
	movq %r12, %rdi
	call *%rbx
1:	jmp *thread_user_return(%rip)	/* the stack pointer is at the trap frame now */
	.cfi_endproc
	.size thread_entry, . - thread_entry

	.section .note.GNU-stack, "", @progbits
