/* SPDX-License-Identifier: MIT
 *
 * Searching AML code (ACPI 6.5, chapter 20).
 */
#include "kernel/dev/acpi/aml.h"

#include "kernel/lib/string.h"

#define AML_NAME    0x08
#define AML_BYTE    0x0a
#define AML_WORD    0x0b
#define AML_DWORD   0x0c
#define AML_STRING  0x0d
#define AML_QWORD   0x0e
#define AML_PACKAGE 0x12

#define GED_BYTES   256 /* the id, resources and region lie within so many */

/* Returns a small integer of a package (20.2.3), and advances `*at` past it. */
static u8 small_integer(const u8 **at, const u8 *end)
{
	const u8 *p = *at;
	u8 value = p < end ? *p : 0; /* ZeroOp and OneOp are their own value */

	if ((value == AML_BYTE || value == AML_WORD) && p + 1 < end) {
		p += value == AML_BYTE ? 1 : 2;
		value = (*at)[1];
	}
	*at = p + 1;
	return value;
}

bool aml_find_s5(const u8 *aml, const u8 *end, void *arg)
{
	struct aml_s5 *s5 = arg;

	for (const u8 *p = aml + 1; end - p > 8; p++) {
		const u8 *at = p + 4, *name = p - aml > 1 && p[-1] == '\\' ? p - 2 : p - 1;

		if (memcmp(p, "_S5_", 4) || *at != AML_PACKAGE || *name != AML_NAME)
			continue;
		/* Skip the operator, the length (bits 7:6 of its first byte: how many more bytes it
		 * has) and the number of elements. */
		at += 2 + (at[1] >> 6) + 1;
		s5->type_a = small_integer(&at, end) & 7;
		s5->type_b = small_integer(&at, end) & 7;
		return true;
	}
	return false;
}

/* EisaId ("PNP03xx") is a number of 32 bits, the letters first (19.6.36). */
bool aml_find_i8042(const u8 *aml, const u8 *end, void *arg)
{
	static const u8 pnp[] = {AML_DWORD, 0x41, 0xd0};

	for (const u8 *p = aml; end - p >= 6; p++) {
		if (!memcmp(p, pnp, sizeof(pnp)) && (p[3] == 0x03 || p[3] == 0x0f))
			return true;
		if (*p == AML_STRING && (!memcmp(p + 1, "PNP03", 5) || !memcmp(p + 1, "PNP0F", 5)))
			return true;
	}
	return false;
}

/* A resource descriptor "extended interrupt" with one interrupt (6.4.3.6): 0x89, the length of 6 as
 * 16 bits, flags, 1, the number. */
bool aml_find_ged(const u8 *aml, const u8 *end, void *arg)
{
	static const u8 resource[] = {0x89, 6, 0}, region[] = {0x5b, 0x80, 'E', 'R', 'E', 'G', 0};
	static const char id[] = "\rACPI0013"; /* a string, with its null byte */
	struct aml_ged found = {0}, *ged = arg;

	while (end - aml >= (long)sizeof(id) && memcmp(aml, id, sizeof(id)))
		aml++;
	end = end - aml > GED_BYTES ? aml + GED_BYTES : end;
	for (const u8 *p = aml; end - p >= (long)sizeof(region) + 9; p++) {
		if (!memcmp(p, resource, sizeof(resource)) && p[4] == 1)
			memcpy(&found.interrupt, p + 5, 4);
		if (memcmp(p, region, sizeof(region)))
			continue;
		p += sizeof(region);
		if (*p == AML_DWORD || *p == AML_QWORD)
			memcpy(&found.events, p + 1, *p == AML_DWORD ? 4 : 8);
		break;
	}
	*ged = found;
	return found.interrupt && found.events;
}
