/* SPDX-License-Identifier: MIT
 *
 * Names of the kernel's functions, for backtraces.  tools/mksymbols.sh makes the table from a first
 * link.  Without the table, or without the panic report, addresses are printed as numbers.
 */
#pragma once

#include "arch/x86_64/entry/entry.h"
#include "kernel/lib/format.h"

/* The name of the function that contains `address`, and the offset into it.  NULL if the address is
 * not in the kernel's code.  Any context. */
const char *symbol_lookup(u64 address, u64 *offset);

/* Write "name+0x12", or the address if it has no name.  Returns the length. */
static inline size_t symbol_format(char *buf, size_t size, u64 address)
{
	u64 offset;
	const char *name = WITH_PANIC ? symbol_lookup(address, &offset) : NULL;

	if (!name)
		return (size_t)scnprintf(buf, size, "0x%lx", (unsigned long)address);
	return (size_t)scnprintf(buf, size, "%s+0x%lx", name, (unsigned long)offset);
}

/* The same for a return address, by the call before it: a call that does not return may be the last
 * instruction of its function, and the return address then belongs to the next function. */
static inline size_t symbol_format_caller(char *buf, size_t size, u64 return_address)
{
	u64 offset;
	const char *name = WITH_PANIC ? symbol_lookup(return_address - 1, &offset) : NULL;

	if (!name)
		return symbol_format(buf, size, return_address);
	return (size_t)scnprintf(buf, size, "%s+0x%lx", name, (unsigned long)offset + 1);
}

/* For backtraces: has entry.S called C with this return address?  Then the trap frame lies above
 * the return address on the stack. */
static inline bool entry_is_return(u64 address)
{
	return (address > (u64)entry_syscall && address < (u64)entry_syscall_compat) ||
	       address == (u64)entry_trap_return || address == (u64)entry_paranoid_return;
}
