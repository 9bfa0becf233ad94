/* SPDX-License-Identifier: MIT
 *
 * Heddle has no interpreter of AML, the byte code in which firmware describes the machine (ACPI
 * 6.5, chapter 20).  It searches the bytes for the few things that it needs.  What is found may lie
 * in a branch that the firmware would not take, so the drivers test whether it is true.
 */
#pragma once

#include "kernel/lib/base.h"

/* The values of sleep state S5: what is written to SLP_TYP of PM1a, or of the sleep control
 * register, and of PM1b. */
struct aml_s5 {
	u8 type_a, type_b;
};

/* The generic event device (5.6.9) of an emulator: `events`, a register in memory, has a bit for
 * each event, and a read clears it. */
struct aml_ged {
	u32 interrupt; /* edge-triggered, active high */
	u64 events;
};

/* The functions have the type that acpi_code_any() wants.  Search [aml, end) for ... */

/* ... Name (_S5, Package (..) {type a, type b, ..}) (7.4.2).  `arg`: a struct aml_s5 to fill. */
bool aml_find_s5(const u8 *aml, const u8 *end, void *arg);

/* ... the id of a device of an i8042 controller: a keyboard (PNP03xx) or a mouse (PNP0Fxx), as a
 * number or as text.  `arg` is not used. */
bool aml_find_i8042(const u8 *aml, const u8 *end, void *arg);

/* ... a generic event device as QEMU describes it: interrupt and OperationRegion (EREG, ...) behind
 * the id ACPI0013.  `arg`: a struct aml_ged to fill.  Other machines tell in AML code alone what an
 * event means. */
bool aml_find_ged(const u8 *aml, const u8 *end, void *arg);
