/* SPDX-License-Identifier: MIT
 *
 * The stack of a thread that has not run yet.
 */
#include "arch/x86_64/cpu/switch.h"

extern char thread_entry[];

u64 thread_stack_prepare(void *stack_top, size_t frame_bytes, void (*fn)(void *), void *arg)
{
	/* context_switch() pops these seven words; the last is its return address.  %rsp is then a
	 * multiple of 16, as the System V ABI (3.2.2) requires at the call in thread_entry. */
	u64 *sp = (u64 *)((char *)stack_top - ALIGN_UP(frame_bytes, 16));

	*--sp = (u64)thread_entry + 1; /* after its nop */
	*--sp = 0;	   /* rbp: the end of the chain of frames */
	*--sp = (u64)fn;   /* rbx */
	*--sp = (u64)arg;  /* r12 */
	*--sp = 0;	   /* r13 */
	*--sp = 0;	   /* r14 */
	*--sp = 0;	   /* r15 */
	return (u64)sp;
}
