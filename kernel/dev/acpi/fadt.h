/* SPDX-License-Identifier: MIT
 *
 * The FADT (ACPI 6.5, 5.2.9) as the drivers of this room use it, and the registers that it names.
 */
#pragma once

#include "arch/x86_64/pc/acpi_table.h"

/* A copy; fields that an older table lacks are zero, and all are if there is no FADT. */
extern struct fadt fadt;

/* More bits of fadt.flags. */
#define FADT_POWER_BUTTON_METHOD (1u << 4) /* the power button is not a fixed feature */
#define FADT_RESET_REGISTER	 (1u << 10)

/* What the table says about old devices; true if it has no such field. */
bool fadt_has_i8042(void);
bool fadt_has_rtc(void);

/* A block of registers, in memory or at I/O ports. */
struct acpi_block {
	u16 port;
	volatile u8 *memory; /* if not NULL */
};

/* Find the block of `bytes` bytes at `x` or, if `x` is empty, at the I/O port `old`.  Maps memory,
 * so that the registers can then be used in any context.  False: there is no such block, or it is
 * neither in memory nor at ports. */
bool acpi_block_open(struct acpi_block *b, const struct acpi_address *x, u32 old, u32 bytes);
bool acpi_block_is_there(const struct acpi_block *b);

/* Access a register of 1 or 2 bytes.  Without a block, reads give 0 and writes do nothing. */
u32 acpi_read(const struct acpi_block *b, u32 offset, u32 bytes);
void acpi_write(const struct acpi_block *b, u32 offset, u32 bytes, u32 value);

/* Does the AML code of the DSDT, or of an SSDT, fulfil `test`?  `test` gets the code, its end and
 * `arg`.  Maps the tables each time. */
bool acpi_code_any(bool (*test)(const u8 *aml, const u8 *end, void *arg), void *arg);

/* Enter ACPI mode, in which the firmware leaves the power button and the like to the kernel (ACPI
 * 6.5, 4.8.2.5).  Takes up to 3 s on a machine that does not answer.  False: the mode was not
 * entered.  Any context. */
bool acpi_mode_enter(void);

/* The control block: PM1a and PM1b.  b may be missing. */
extern struct acpi_block acpi_pm1a_control, acpi_pm1b_control;
