/* SPDX-License-Identifier: MIT
 *
 * Finding the names of kernel functions by address.
 */
#include "kernel/lib/string.h"
#include "kernel/watch/symbols.h"
#include "tests/kernel/ktest.h"

KTEST(symbols_are_found)
{
	u64 offset = 0;
	const char *name = symbol_lookup((u64)memcpy, &offset);

	KEXPECT(name && !strcmp(name, "memcpy"));
	KEXPECT_EQ(offset, 0);
	KEXPECT(!symbol_lookup(0, &offset));
}

KTEST(symbols_of_callers)
{
	char name[64];

	symbol_format_caller(name, sizeof(name), (u64)memcpy + 1);
	KEXPECT(!strcmp(name, "memcpy+0x1"));
	/* After a call that ends the function before. */
	symbol_format_caller(name, sizeof(name), (u64)memcpy);
	KEXPECT(memcmp(name, "memcpy", 6) != 0 && memcmp(name, "0x", 2) != 0);
}
