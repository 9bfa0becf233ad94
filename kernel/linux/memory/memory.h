/* SPDX-License-Identifier: MIT
 *
 * What the files of this folder use of each other.
 */
#pragma once

#include "kernel/vm/region.h"

/* Make the pages of a range present.  0, -ENOMEM (a hole), -EAGAIN (no memory), or -EINTR: the
 * thread is being killed.  Sleeps. */
int address_space_populate(struct address_space *as, u64 address, u64 length);

/* Do the regions cover [start, end) without a hole?  as->lock is held. */
bool regions_cover(struct address_space *as, u64 start, u64 end);

/* Change the advice (REGION_*) of the regions in [start, end): set some bits, clear others.  Holes
 * are skipped, and give -ENOMEM afterwards.  0 or -ENOMEM.  Takes as->lock; sleeps. */
int regions_advise(struct address_space *as, u64 start, u64 end, u32 set, u32 clear);

/* The page-table entry for an address; 0: there is none. */
u64 address_space_pte(struct address_space *as, u64 address);

/* brk(): change the end of the heap, and return the end that holds then (the old one after an
 * error), as Linux does. */
u64 address_space_brk(struct address_space *as, u64 new_break);
