/* SPDX-License-Identifier: MIT
 *
 * The units that translate DMA and remap interrupts, as ACPI lists them.
 */
#pragma once

#include "kernel/lib/base.h"

/* Fill `bases` with the physical addresses of the registers of each unit that the table lists, at
 * most `max` and each once.  Returns their number.  `amd`: the table is an IVRS (AMD IOMMU
 * specification 5.2.2), else a DMAR (VT-d specification 8.3).  The table may be damaged. */
u32 iommu_units(const u8 *table, u32 length, bool amd, paddr_t *bases, u32 max);
