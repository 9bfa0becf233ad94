/* SPDX-License-Identifier: MIT
 *
 * Shared by the files that fill boot_info.  They run with the page tables of boot.S, which map the
 * first 4 GiB at their physical addresses, so a physical address can be used as a pointer.
 */
#pragma once

#include "boot/boot_info.h"

#define MULTIBOOT2_MAGIC 0x36d76289 /* in eax */
#define PVH_MAGIC	 0x336ec578 /* hvm_start_info.magic, and what boot.S puts in eax */

extern u64 boot_entry_tsc;

void multiboot2_parse(paddr_t info);
void pvh_parse(paddr_t info);

/* Add a range of the memory map of the firmware.  `type`: as in the memory map of the BIOS (ACPI
 * 6.5 table 15.4), which both boot protocols use. */
void boot_memory_add(paddr_t base, u64 length, u32 type);

/* Add a range, extended or reduced to whole pages: a page of which only a part is usable is not
 * usable. */
void boot_range_add(paddr_t start, paddr_t end, enum boot_memory_type type);

/* Sort the map and remove overlaps.  Maps of firmware are unsorted, and their ranges may overlap.
 */
void boot_memory_normalize(void);

void boot_module_add(paddr_t start, paddr_t end);

/* Copy a text of at most `max` bytes, which may have no NUL, and cut it to `size` - 1 bytes. */
void boot_text_copy(char *dst, size_t size, const char *src, size_t max);
