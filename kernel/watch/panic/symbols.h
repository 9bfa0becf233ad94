/* SPDX-License-Identifier: MIT
 *
 * Names of the kernel's functions, for backtraces.  The table is made by tools/mksymbols.sh from a
 * first link; without it addresses stay numbers.
 */
#pragma once

#include "kernel/lib/base.h"

/* The function that `address` is in, and how far; NULL: not in the kernel's code.  Any context. */
const char *symbol_lookup(u64 address, u64 *offset);

/* "name+0x12", or the bare address.  Returns the length written. */
size_t symbol_format(char *buf, size_t size, u64 address);
