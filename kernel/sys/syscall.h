/* SPDX-License-Identifier: MIT
 *
 * From the system-call entry to the function of the call.  The functions check arguments, copy from
 * and to user memory, and call the rooms below.
 */
#pragma once

#include "arch/x86_64/cpu/trap_frame.h"

#define SYSCALL_COUNT 512 /* numbers below this have a counter */

typedef long (*syscall_fn)(u64 a, u64 b, u64 c, u64 d, u64 e, u64 f);

/* By number: what entry_syscall (entry.S) calls.  The last element serves all numbers from
 * SYSCALL_COUNT on. */
extern syscall_fn syscall_functions[SYSCALL_COUNT + 1];

/* Fill this array: with trace_call() if calls are traced now, else with the functions themselves.
 * Calls that have begun are not affected.  Any context. */
void syscall_route(void);

/* The function of a call: syscall_none() for a number without one, which returns -ENOSYS. */
syscall_fn syscall_function(u32 number);
long syscall_none(u64 a, u64 b, u64 c, u64 d, u64 e, u64 f);

/* How often each number was called since the boot, served or not, on each CPU.  The last element
 * counts all numbers from SYSCALL_COUNT on. */
extern u64 syscall_calls[SYSCALL_COUNT + 1];

/* Called by entry.S for each call that is not a plain one: the thread has pending work or is
 * traced, or the number is SYSCALL_COUNT or more.  Call the function that `frame` names in `error`
 * (Linux's orig_rax), and put its result into frame->rax.  Interrupts are off on entry, since the
 * call is counted in a per-CPU variable, and on when this returns. */
void syscall_dispatch(struct trap_frame *frame);
