/* SPDX-License-Identifier: MIT
 *
 * The stack of a thread that has not run yet.
 */
#include "arch/x86_64/cpu/switch.h"

extern char thread_entry[];

u64 thread_stack_prepare(void *stack_top, size_t frame_bytes, void (*fn)(void *), void *arg)
{
	/* What context_switch() pops, and the address it returns to.  Above it lies the trap frame,
	 * whose 8 * 22 bytes below a 16-aligned top leave %rsp aligned at the call in
	 * thread_entry (System V ABI 3.2.2). */
	u64 *sp = (u64 *)((char *)stack_top - ALIGN_UP(frame_bytes, 16));

	*--sp = (u64)thread_entry + 1; /* behind its nop */
	*--sp = 0;	   /* rbp: the end of the chain of frames */
	*--sp = (u64)fn;   /* rbx */
	*--sp = (u64)arg;  /* r12 */
	*--sp = 0;	   /* r13 */
	*--sp = 0;	   /* r14 */
	*--sp = 0;	   /* r15 */
	return (u64)sp;
}
