/* SPDX-License-Identifier: MIT
 *
 * The context switch, and the start of a new thread.
 */
#pragma once

#include "kernel/lib/base.h"

struct thread;

/* What context_switch() leaves at `save_sp`. */
struct switch_frame {
	u64 r15, r14, r13, r12, rbx, rbp, rip;
};

/* Save the callee-saved registers on the stack and the stack pointer in `*save_sp`; then load the
 * stack pointer `load_sp` and pop the registers of the other thread.  The function returns on the
 * other stack, to the place where that thread called it.  The call of the present thread returns
 * later, when a CPU switches back to it; the result is the thread that ran there just before.
 * Interrupts off (switch.S). */
struct thread *context_switch(u64 *save_sp, u64 load_sp, struct thread *previous);

/* Prepare the stack of a new thread for its first context_switch(), and return the stack pointer to
 * load.  The new thread calls thread_entry_hook(previous), then `fn(arg)` if `fn` is not NULL; then
 * it enters user mode with the trap frame at the top of the stack.  `frame_bytes`: the size of this
 * frame; 0 for a kernel thread, whose `fn` must not return. */
u64 thread_stack_prepare(void *stack_top, size_t frame_bytes, void (*fn)(void *), void *arg);

/* finish_switch() of the scheduler: a new thread calls it first. */
extern void (*thread_entry_hook)(struct thread *previous);

/* entry_user_return (return.S): enter user mode with the trap frame at the stack pointer. */
extern void (*thread_user_return)(void);
