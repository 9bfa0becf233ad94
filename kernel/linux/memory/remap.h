/* SPDX-License-Identifier: MIT
 *
 * mremap(2).
 */
#pragma once

#include "kernel/vm/address_space.h"

#define MREMAP_MAYMOVE 1
#define MREMAP_FIXED   2
#define MREMAP_DONTUNMAP 4

/* Grow, shrink or move a mapping with its pages.  The new address, or the errors of mremap(2).
 * Takes as->lock; sleeps. */
long address_space_remap(struct address_space *as, u64 old_address, u64 old_length, u64 new_length,
			 u32 flags, u64 new_address);
