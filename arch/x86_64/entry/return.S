/* SPDX-License-Identifier: MIT
 *
 * The way to user mode, from a struct trap_frame at the stack pointer.
 */
#include "arch/x86_64/entry/frame.h"

	.cfi_sections .debug_frame
	.text

/* A new thread comes here with its frame at the stack pointer, interrupts on or off. */
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

/* Interrupts off, nothing owed, the user's frame at the stack pointer. */
	.globl	return_to_user
	.type	return_to_user, @function
	.balign	16
return_to_user:
	CFI_WHOLE_FRAME
	/* Whatever wrote this frame, it does not lead into the kernel: with a code segment of ring
	 * 0 and RPL 3, IRET faults and the thread gets its signal. */
	orb	$3, FRAME_CS(%rsp)
	POP_REGISTERS
	POP_VECTOR_AND_ERROR
	swapgs
	/* A bad selector or address makes this instruction fault, in the kernel but with the user's
	 * GS: see fault_common. */
	.globl	entry_user_iret
entry_user_iret:
	iretq
	.cfi_endproc
	.size	return_to_user, . - return_to_user

	.section .note.GNU-stack, "", @progbits
