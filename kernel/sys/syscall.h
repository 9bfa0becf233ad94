/* SPDX-License-Identifier: MIT
 *
 * The system-call table: numbers of the Linux x86-64 ABI.  Functions here check arguments, copy to
 * and from the user, and call the rooms below.
 */
#pragma once

#include "arch/x86_64/cpu/trap_frame.h"

#define SYSCALL_COUNT 512 /* numbers below this have a counter */

typedef long (*syscall_fn)(u64 a, u64 b, u64 c, u64 d, u64 e, u64 f);

/* Called by the roof with interrupts off, as counting wants them; they are on when it returns.
 * Number in frame->error (orig_rax), result into frame->rax.  Unknown numbers: -ENOSYS, counted. */
void syscall_dispatch(struct trap_frame *frame);

/* The name of a call that this kernel serves, or NULL. */
const char *syscall_name(u32 number);

/* How often a call was made since the boot, served or not; for SYSCALL_COUNT: all calls with this
 * number or a higher one. */
u64 syscall_count(u32 number);
