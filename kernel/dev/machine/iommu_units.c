/* SPDX-License-Identifier: MIT
 *
 * Reading DMAR and IVRS.
 */
#include "kernel/dev/machine/iommu.h"

#include "kernel/lib/string.h"

#define FIRST_ENTRY 48 /* in both tables */
#define ENTRY_MIN   16 /* of a unit; its base is at 8 in both tables */
#define DMAR_UNIT   0  /* DRHD */

static bool is_unit(const u8 *entry, bool amd)
{
	/* An IVRS may list a unit once in each of three formats. */
	if (amd)
		return entry[0] == 0x10 || entry[0] == 0x11 || entry[0] == 0x40;
	return entry[0] == DMAR_UNIT && entry[1] == 0;
}

static bool contains(const paddr_t *bases, u32 count, paddr_t base)
{
	while (count--)
		if (bases[count] == base)
			return true;
	return false;
}

u32 iommu_units(const u8 *table, u32 length, bool amd, paddr_t *bases, u32 max)
{
	u32 count = 0;

	for (u32 at = FIRST_ENTRY; at + ENTRY_MIN <= length && count < max;) {
		const u8 *entry = table + at;
		u16 entry_length;
		paddr_t base;

		memcpy(&entry_length, entry + 2, sizeof(entry_length));
		memcpy(&base, entry + 8, sizeof(base));
		if (entry_length < 4 || entry_length > length - at)
			break;
		if (entry_length >= ENTRY_MIN && is_unit(entry, amd) && base &&
		    !contains(bases, count, base))
			bases[count++] = base;
		at += entry_length;
	}
	return count;
}
