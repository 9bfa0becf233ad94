/* host-sources: kernel/dev/acpi/aml.c kernel/dev/machine/iommu_units.c */
/* fuzz-flags: -max_len=512 */
/* mutant: kernel/dev/acpi/aml.c: value == AML_WORD) && p + 1 < end) => value == AML_WORD)) */
/* SPDX-License-Identifier: MIT
 *
 * Searches in the byte code of ACPI, and the tables of IOMMUs.  Nothing is read outside; what is
 * found stays found when more code follows; a number that is given back is one that may be written
 * to a register.
 */
#include "kernel/dev/acpi/aml.h"
#include "kernel/dev/machine/iommu.h"
#include "tests/fuzz/fuzz.h"

static bool contains(const u8 *code, size_t size, const char *text)
{
	size_t n = strlen(text);

	for (size_t i = 0; i + n <= size; i++)
		if (!memcmp(code + i, text, n))
			return true;
	return false;
}

static bool find(bool (*test)(const u8 *, const u8 *, void *), const u8 *code, size_t size,
		 void *to)
{
	u8 *copy = exact_copy(code, size);
	bool found = test(copy, copy + size, to);

	free(copy);
	return found;
}

static void check_iommu(const u8 *data, size_t size, bool amd)
{
	paddr_t bases[5];
	u8 *table = exact_copy(data, size);
	u32 max = size % (ARRAY_SIZE(bases) + 1), n;

	n = iommu_units(table, (u32)size, amd, bases, max);
	HOLDS(n <= max);
	for (u32 i = 0; i < n; i++)
		for (u32 k = 0; k <= i; k++)
			HOLDS(bases[i] && (k == i || bases[k] != bases[i]));
	free(table);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct aml_s5 s5 = {0}, longer = {0};
	struct aml_ged ged = {0};
	static u8 more[1024];

	if (find(aml_find_s5, data, size, &s5)) {
		HOLDS(contains(data, size, "_S5_") && s5.type_a < 8 && s5.type_b < 8);
		memcpy(more, data, size);
		memset(more + size, 1, 32);
		HOLDS(find(aml_find_s5, more, size + 32, &longer));
	}
	if (find(aml_find_i8042, data, size, NULL))
		HOLDS(contains(data, size, "PNP03") || contains(data, size, "PNP0F") ||
		      contains(data, size, "\x0c\x41\xd0"));
	if (find(aml_find_ged, data, size, &ged))
		HOLDS(contains(data, size, "ACPI0013") && ged.interrupt && ged.events);
	check_iommu(data, size, size & 1);
	return 0;
}
