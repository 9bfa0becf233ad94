/* SPDX-License-Identifier: MIT
 *
 * The context switch, and where a new thread begins.
 */
#pragma once

#include "kernel/lib/base.h"

struct thread;

/* What context_switch() leaves at `save_sp`. */
struct switch_frame {
	u64 r15, r14, r13, r12, rbx, rbp, rip;
};

/* Save the callee-saved registers on the stack and its pointer in `*save_sp`; take `load_sp` as the
 * stack pointer, and the registers from there.  Returns, on the other stack, to whoever called this
 * from there: the caller below is another thread, later and perhaps on another CPU.  Interrupts off
 * (switch.S). */
struct thread *context_switch(u64 *save_sp, u64 load_sp, struct thread *previous);

/* Put on a new stack what context_switch() takes off: the first switch to it calls `fn(arg)`
 * through thread_entry (switch.S), after thread_entry_hook(previous); when `fn` returns, the trap
 * frame at the stack's top is restored as the way to user mode.  `frame_bytes` are left free at the
 * top for it (0 for a kernel thread, whose fn must not return).  Returns the stack pointer to load. */
u64 thread_stack_prepare(void *stack_top, size_t frame_bytes, void (*fn)(void *), void *arg);

/* The scheduler's half of a switch, run first by a new thread. */
extern void (*thread_entry_hook)(struct thread *previous);

/* The roof's way to user mode: restores the trap frame that the stack pointer points at. */
extern void (*thread_user_return)(void);
