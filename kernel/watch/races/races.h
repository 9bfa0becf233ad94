/* SPDX-License-Identifier: MIT
 *
 * The detector of data races, and what the compiler's calls (calls.c) tell it.
 */
#pragma once

#include "kernel/lib/base.h"

/* Memory of `size` bytes (1 to 8) is about to be read or written by the code at `where`, by an
 * access that is neither volatile nor atomic.  Any context. */
void races_access(u64 address, u32 size, bool write, u64 where);

/* The code at `where` may write memory by a volatile or atomic access.  Call races_marked_begin()
 * before the access, and races_marked_end() with its result if the access writes: before it if that
 * is certain, else after it.  The access is not watched, but if it meets one that is, the report
 * names it.  Any context. */
u64 races_marked_begin(u64 address, u32 size);
void races_marked_end(u64 address, u64 begun, u64 where);

/* Memory of any size is about to be written by assembler.  Any context. */
void races_long_write(u64 address, u64 size, u64 where);

/* For the detector's own tests: how many reports concern this address (`both`: and name both
 * places), print what is not printed yet, and forget those of this address. */
u32 races_found_at(u64 address, bool both);
void races_print(void);
void races_forget(u64 address);
