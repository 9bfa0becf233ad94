/* SPDX-License-Identifier: MIT
 *
 * The word of r15 is dropped from the stack instead of restored.
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
	addq	$8, %rsp
	.cfi_adjust_cfa_offset -8
	POP	r14
	POP	r13
	POP	r12
	POP	rbx
	POP	rbp
	ret				/* to where the next thread called us */
	.cfi_endproc
	.size context_switch, . - context_switch
