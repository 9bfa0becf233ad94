/* SPDX-License-Identifier: MIT
 *
 * The way to user mode, from a struct trap_frame at the stack pointer.
 */
#include "arch/x86_64/entry/frame.h"

	.cfi_sections .debug_frame
	.text

/* A new thread jumps here with its frame at the stack pointer, interrupts on or off. */
	.globl	entry_user_return
	.type	entry_user_return, @function
	.balign	16
entry_user_return:
	CFI_WHOLE_FRAME
	cli
	xorl	%ebp, %ebp
	movq	%rsp, %rdi
	call	entry_exit_work
	jmp	return_to_user
	.cfi_endproc
	.size	entry_user_return, . - entry_user_return

/* Return to user mode with the frame at the stack pointer.  Interrupts are off, and
 * entry_exit_work() has found no pending work. */
	.globl	return_to_user
	.type	return_to_user, @function
	.balign	16
return_to_user:
	CFI_WHOLE_FRAME
	/* Force RPL 3, so that even a wrong frame cannot return to ring 0: then IRET faults, and
	 * the thread gets a signal. */
	orb	$3, FRAME_CS(%rsp)
	POP_REGISTERS
	POP_VECTOR_AND_ERROR
	swapgs
	/* With a bad selector or address this instruction faults in the kernel, while GS base is
	 * the user's: fault_common handles this. */
	.globl	entry_user_iret
entry_user_iret:
	iretq
	.cfi_endproc
	.size	return_to_user, . - return_to_user

	.section .note.GNU-stack, "", @progbits
