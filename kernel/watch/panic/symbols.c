/* SPDX-License-Identifier: MIT
 *
 * Lookup of names in the table of symbols, which is sorted by address.
 */
#include "kernel/watch/symbols.h"

struct symbol {
	u64 address; /* sorted */
	const char *name;
};

/* linker.ld */
extern const struct symbol __symbols_start[], __symbols_end[];
extern const char __text_start[], __text_end[];

const char *symbol_lookup(u64 address, u64 *offset)
{
	size_t low = 0, high = (size_t)(__symbols_end - __symbols_start);

	if (address < (u64)__text_start || address >= (u64)__text_end)
		return NULL;
	/* Binary search for the last symbol that is not above `address`. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (__symbols_start[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return NULL;
	*offset = address - __symbols_start[low - 1].address;
	return __symbols_start[low - 1].name;
}
