/* SPDX-License-Identifier: MIT
 *
 * One page of a region, for code that accesses the memory of another space.  Private to kernel/vm.
 */
#pragma once

#include "kernel/vm/region.h"

/* Make the page at `address` in `r` present, and for a write not shared, whatever r->prot allows:
 * if it forbids writing, the copy is mapped read-only.  After FAULT_DONE the caller must look at
 * the entry again, since another thread may have been faster.  The caller holds as->lock.
 * Sleeps. */
enum fault_result fault_page(struct region *r, u64 address, bool write);
