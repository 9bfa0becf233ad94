/* SPDX-License-Identifier: MIT
 *
 * The times of files that are written through shared mappings.
 */
#pragma once

#include "kernel/vm/address_space.h"

/* msync(2): update the times of the files that were written through mappings in [start, end).  The
 * pages are unmapped, so that the next write is seen, too.  Sleeps. */
void mapped_times_update(struct address_space *as, u64 start, u64 end);
