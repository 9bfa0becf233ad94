/* SPDX-License-Identifier: MIT
 *
 * The registers are popped in another order than they were pushed: r12 and rbx change places.
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
	POP	rbx
	POP	r12
	POP	rbp
	ret				/* to where the next thread called us */
	.cfi_endproc
	.size context_switch, . - context_switch
