/* SPDX-License-Identifier: MIT */

/*
 * struct thread *context_switch(u64 *save_sp, u64 load_sp, struct thread *previous);
 *                                    %rdi         %rsi          %rdx
 *
 * For the compiler this is an ordinary call.  Save on the stack what a function must preserve (System
 * V ABI, AMD64 supplement, 3.2.1): rbp, rbx, r12, r13, r14, r15, in this order, because
 * thread_stack_prepare() puts the same words on the stack of a new thread.  Store the stack pointer in
 * *save_sp and load load_sp instead.  From then on the next thread runs: return `previous` in %rax, and
 * restore the six registers from its stack.  PUSH and POP are pushq and popq with a note for the
 * debugger (cfi.h): PUSH rbp.
 */
	.globl context_switch
	.type context_switch, @function
context_switch:
	.cfi_startproc
	ud2				/* here: nothing yet; the kernel panics at the first switch */
	.cfi_endproc
	.size context_switch, . - context_switch
