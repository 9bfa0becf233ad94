/* SPDX-License-Identifier: MIT
 *
 * The heart of Heddle: one thread stops here and another goes on.
 */
#include "arch/x86_64/cpu/cfi.h"

	.cfi_sections .debug_frame
	.section .text.hot, "ax"

/*
 * struct thread *context_switch(u64 *save_sp, u64 load_sp, struct thread *previous);
 *                                    %rdi         %rsi          %rdx
 *
 * For the compiler this is an ordinary call.  The caller has already saved, or does not need, the
 * registers that a function may overwrite (rax, rcx, rdx, rsi, rdi, r8-r11).  What remains are the
 * six that a function must preserve (System V ABI, AMD64 supplement, 3.2.1) and the stack pointer.
 * So the whole state of a thread in the kernel is on its stack, and one number says where that is.
 *
 * Not saved here, because the kernel does not use them: the FPU state, the FS base and the GS base of
 * user mode, and the user half of the page tables.  The scheduler has already loaded those that differ
 * for the next thread.
 *
 * PUSH and POP are pushq and popq with a note for the debugger (cfi.h); so are the lines with .cfi.
 *
 * Who is "I" after the change of %rsp?  The lines below it run as the other thread: they pop its
 * registers from its own stack, and `ret` uses its return address.  That thread called this
 * function earlier, perhaps on another CPU, and its call returns now.  A thread that has never run
 * finds on its stack what thread_stack_prepare() put there, and "returns" to thread_entry.
 */
	.globl context_switch
	.type context_switch, @function
context_switch:
	.cfi_startproc
	PUSH	rbp			/* save the registers of the outgoing thread */
	PUSH	rbx
	PUSH	r12
	PUSH	r13
	PUSH	r14
	PUSH	r15

	movq %rsp, (%rdi)		/* previous->arch.saved_sp: its state is complete now */
	movq %rsi, %rsp			/* the switch: from here on we are the next thread */

	movq %rdx, %rax			/* the result: the thread that ran before */
	POP	r15
	POP	r14
	POP	r13
	POP	r12
	POP	rbx
	POP	rbp
	ret				/* to where the next thread called us */
	.cfi_endproc
	.size context_switch, . - context_switch

/*
 * A new thread begins here.  context_switch() has "returned" to this function with the previous
 * thread in %rax, the function to call in %rbx and its argument in %r12 (thread_stack_prepare()).
 * The stack holds thread_entry + 1, the address after the nop: a debugger looks up the byte before a
 * return address, and that byte must be in this function.  The function in %rbx returns only in a user
 * thread; %rsp is then where it was, at the trap frame of user mode.  The scheduler and the entry code
 * are called by pointers, because they stand on higher floors.
 */
	.globl thread_entry
	.type thread_entry, @function
thread_entry:
	.cfi_startproc
	.cfi_undefined %rip		/* the outermost frame: it has no caller */
	nop
	xorl %ebp, %ebp
	movq %rax, %rdi
	call *thread_entry_hook(%rip)	/* finish_switch(): release the run queue */
	sti
	testq %rbx, %rbx
	jz 1f
	movq %r12, %rdi
	call *%rbx
1:	jmp *thread_user_return(%rip)	/* entry_user_return (return.S) */
	.cfi_endproc
	.size thread_entry, . - thread_entry

	.section .note.GNU-stack, "", @progbits
