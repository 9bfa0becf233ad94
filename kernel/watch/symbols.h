/* SPDX-License-Identifier: MIT
 *
 * Names of the kernel's functions, for backtraces.  The table is made by tools/mksymbols.sh from a
 * first link; without it, or without the panic report, addresses stay numbers.
 */
#pragma once

#include "kernel/lib/extensions.h"
#include "kernel/lib/format.h"

/* The function that `address` is in, and how far; NULL: not in the kernel's code.  Any context. */
const char *symbol_lookup(u64 address, u64 *offset);

/* "name+0x12", or the bare address.  Returns the length written. */
static inline size_t symbol_format(char *buf, size_t size, u64 address)
{
	u64 offset;
	const char *name = WITH_PANIC ? symbol_lookup(address, &offset) : NULL;

	if (!name)
		return (size_t)scnprintf(buf, size, "0x%lx", (unsigned long)address);
	return (size_t)scnprintf(buf, size, "%s+0x%lx", name, (unsigned long)offset);
}
