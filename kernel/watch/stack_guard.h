/* SPDX-License-Identifier: MIT
 *
 * The pages that guard kernel stacks: a stack that overflows touches the one below it.
 */
#pragma once

#include "arch/x86_64/cpu/layout.h"

/* Is the address in the guard page of a kernel stack, or of the stack of the boot?  The area of kernel
 * stacks is an array of stacks with a guard page below each (kstack.c). */
static inline bool stack_guard_has(u64 address)
{
	u64 at = address - KSTACK_AREA_BASE;

	return (at < KSTACK_AREA_SIZE && at % (PAGE_SIZE + KSTACK_SIZE) < PAGE_SIZE) ||
	       address - (u64)boot_stack_guard < PAGE_SIZE;
}
