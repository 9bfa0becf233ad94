/* SPDX-License-Identifier: MIT
 *
 * Kernel stacks: KSTACK_SIZE bytes each, with an unmapped guard page below, in a separate address
 * area.  Freed stacks are kept for later threads until memory is short.
 */
#pragma once

#include "kernel/lib/base.h"

/* Reserve the area and its page tables.  After the page allocator. */
void kstack_init(void);

/* Allocate a stack.  Returns its lowest byte, or NULL if there is no memory.  May sleep (TLB
 * flush). */
void *kstack_alloc(void);

/* Free a stack that no thread runs on.  Any context; does not sleep. */
void kstack_free(void *base);

/* Free the memory of all stacks that are kept for later threads, and how many these are.  Sleeps
 * (TLB flush). */
void kstack_shrink(void);
extern u64 kstacks_kept;
