/* SPDX-License-Identifier: MIT
 *
 * Between the files that fill boot_info.  They run on the boot tables, where the first 4 GiB are
 * mapped where they are: a physical address can be used as a pointer.
 */
#pragma once

#include "boot/boot_info.h"

#define MULTIBOOT2_MAGIC 0x36d76289 /* in eax */
#define PVH_MAGIC	 0x336ec578 /* hvm_start_info.magic, and what boot.S puts in eax */

extern u64 boot_entry_tsc;

void multiboot2_parse(paddr_t info);
void pvh_parse(paddr_t info);

/* `type` in the numbers of the BIOS's memory map (ACPI 6.5 table 15.4), which both loaders use. */
void boot_memory_add(paddr_t base, u64 length, u32 type);

/* Add a range.  A frame that is usable only in part counts as not usable. */
void boot_range_add(paddr_t start, paddr_t end, enum boot_memory_type type);

/* Sort the map and remove overlaps: maps of firmware are unsorted, and their ranges overlap. */
void boot_memory_normalize(void);

void boot_module_add(paddr_t start, paddr_t end);

/* Copy a text of at most `max` bytes, NUL or not, cut to fit. */
void boot_text_copy(char *dst, size_t size, const char *src, size_t max);
