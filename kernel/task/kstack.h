/* SPDX-License-Identifier: MIT
 *
 * Kernel stacks: KSTACK_SIZE bytes with an unmapped guard page below, in an area of their own.
 * Freed stacks are kept for the next threads until memory is short.
 */
#pragma once

#include "kernel/lib/base.h"

void kstack_init(void);

/* The stack's lowest byte, or NULL: no memory.  kstack_alloc() may sleep (TLB flush); free may be
 * called in any context with interrupts on or off, and never waits. */
void *kstack_alloc(void);
void kstack_free(void *base);

/* Is `address` in a stack's guard page?  For the double-fault report. */
bool kstack_is_guard(u64 address);
