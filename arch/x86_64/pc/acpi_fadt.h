/* SPDX-License-Identifier: MIT
 *
 * Shared by acpi.c, which finds the tables, and acpi_fadt.c, which reads the FADT.
 */
#pragma once

#include "kernel/lib/base.h"

struct acpi_header {
	char signature[4];
	u32 length; /* with this header */
	u8 revision, checksum;
	char oem[6], oem_table[8];
	u32 oem_revision, creator, creator_revision;
} __packed;

#define ACPI_SPACE_MEMORY 0
#define ACPI_SPACE_IO	  1

/* Generic address structure (ACPI 6.5, 5.2.3.2). */
struct acpi_address {
	u8 space, bit_width, bit_offset, access_size;
	u64 address;
} __packed;

/* Map a table and check its signature, length and checksum.  NULL: it is not there, or it is broken
 * (this is logged). */
const struct acpi_header *acpi_table_map(paddr_t address, const char *signature);

/* The FADT, which acpi_init() has found; NULL: there is none. */
extern const struct acpi_header *acpi_fadt;
