/* SPDX-License-Identifier: MIT
 *
 * The inside of fault handling, for those who look into another's memory.  Private to kernel/vm.
 */
#pragma once

#include "kernel/vm/region.h"

/* Make the page at `address` in `r` fit for the access, whatever r->prot says: a write that it
 * forbids gets a copy of the page that is mapped read-only.  FAULT_DONE may also mean that another
 * was faster: look again.  as->lock is held.  Sleeps. */
enum fault_result fault_page(struct region *r, u64 address, bool write);
