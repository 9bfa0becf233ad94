/* SPDX-License-Identifier: MIT
 *
 * From the system-call entry to the function of the call.  The functions check arguments, copy from
 * and to user memory, and call the rooms below.
 */
#pragma once

#include "arch/x86_64/cpu/trap_frame.h"

#define SYSCALL_COUNT 512 /* numbers below this have a counter */

typedef long (*syscall_fn)(u64 a, u64 b, u64 c, u64 d, u64 e, u64 f);

/* Call the function of the system call that `frame` names in `error` (Linux's orig_rax), and put
 * its result into frame->rax; -ENOSYS for a number without a function.  Interrupts are off on
 * entry, since the call is counted in a per-CPU variable, and on when this returns. */
void syscall_dispatch(struct trap_frame *frame);

/* The name of a call that this kernel serves, or NULL. */
const char *syscall_name(u32 number);

/* How often a call was made since the boot, served or not; for SYSCALL_COUNT: all calls with this
 * number or a higher one. */
u64 syscall_count(u32 number);
