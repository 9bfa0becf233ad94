/* SPDX-License-Identifier: MIT
 *
 * The detector of data races, and what the compiler's calls (calls.c) tell it.
 */
#pragma once

#include "kernel/lib/base.h"

/* Memory of `size` bytes (1 to 8) is about to be read or written by the code at `where`, by an
 * access that is neither volatile nor atomic.  Any context. */
void races_access(u64 address, u32 size, bool write, u64 where);

/* How many reports concern this address, and forget them: for the detector's own tests. */
u32 races_found_at(u64 address);
void races_forget(u64 address);
