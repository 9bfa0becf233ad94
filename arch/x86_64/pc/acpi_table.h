/* SPDX-License-Identifier: MIT
 *
 * ACPI tables as they lie in memory, and how to find one.
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

/* The fixed description table (ACPI 6.5, 5.2.9), with the fields that are used.  An older table is
 * shorter. */
struct fadt {
	struct acpi_header header;
	u32 facs, dsdt;
	u16 unused_1;
	u16 sci_irq;
	u32 smi_command;
	u8 acpi_enable;
	u8 unused_2[3];
	u32 pm1a_event, pm1b_event, pm1a_control, pm1b_control, unused_3, pm_timer, gpe0, gpe1;
	u8 pm1_event_length;
	u8 unused_4[2];
	u8 pm_timer_length, gpe0_length, gpe1_length;
	u8 unused_5[14];
	u8 century;
	u16 boot_flags;
	u8 unused_6;
	u32 flags; /* revision 1 ends here */
	struct acpi_address reset;
	u8 reset_value;
	u8 unused_7[11];
	u64 x_dsdt;
	struct acpi_address x_pm1a_event, x_pm1b_event, x_pm1a_control, x_pm1b_control, unused_8,
	    x_pm_timer, x_gpe0, x_gpe1, sleep_control, sleep_status;
} __packed;

_Static_assert(offsetof(struct fadt, pm_timer) == 76, "ACPI 6.5 table 5.9");
_Static_assert(offsetof(struct fadt, century) == 108, "ACPI 6.5 table 5.9");
_Static_assert(offsetof(struct fadt, x_dsdt) == 140, "ACPI 6.5 table 5.9");
_Static_assert(offsetof(struct fadt, sleep_status) == 256, "ACPI 6.5 table 5.9");

/* Bits of `flags`. */
#define FADT_TIMER_32BIT      (1u << 8)
#define FADT_HARDWARE_REDUCED (1u << 20) /* without SCI and PM1 registers */

/* Map a table and check its signature, length and checksum.  NULL: it is not there, or it is broken
 * (this is logged). */
const struct acpi_header *acpi_table_map(paddr_t address, const char *signature);

/* Map the n-th valid table (from 0 on) with this signature that the root table lists.  NULL: there
 * is none.  After acpi_init(). */
const struct acpi_header *acpi_table_find(const char *signature, u32 n);
