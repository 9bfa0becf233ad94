/* SPDX-License-Identifier: MIT
 *
 * The previous thread is not returned: the caller cleans up after the wrong one.
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

	POP	r15
	POP	r14
	POP	r13
	POP	r12
	POP	rbx
	POP	rbp
	ret				/* to where the next thread called us */
	.cfi_endproc
	.size context_switch, . - context_switch
