/* SPDX-License-Identifier: MIT
 *
 * Filling boot_info from the data of the boot loader, Multiboot2 or PVH.
 */
#include "boot/boot_info.h"
#include "boot/parse.h"

#define TRAMPOLINE_PREFERRED 0x8000
#define TRAMPOLINE_LIMIT     0xa0000 /* conventional RAM ends here */

/* The TSC at the first instruction; boot.S stores it. */
u64 boot_entry_tsc;

extern const char __boot_start[], __image_end[]; /* linker.ld; physical addresses */

static paddr_t trampoline_page_find(void)
{
	if (boot_range_usable(TRAMPOLINE_PREFERRED, TRAMPOLINE_PREFERRED + PAGE_SIZE))
		return TRAMPOLINE_PREFERRED;
	for (paddr_t p = TRAMPOLINE_LIMIT - PAGE_SIZE; p; p -= PAGE_SIZE)
		if (boot_range_usable(p, p + PAGE_SIZE))
			return p;
	return 0;
}

void boot_parse(u32 magic, paddr_t info)
{
	boot_info.entry_tsc = boot_entry_tsc;
	if (magic == MULTIBOOT2_MAGIC)
		multiboot2_parse(info);
	else if (magic == PVH_MAGIC)
		pvh_parse(info);
	boot_range_add((paddr_t)__boot_start, (paddr_t)__image_end, BOOT_MEMORY_TAKEN);
	boot_range_add(boot_info.info_start, boot_info.info_end, BOOT_MEMORY_TAKEN);
	for (u32 i = 0; i < boot_info.module_count; i++)
		boot_range_add(boot_info.modules[i].start, boot_info.modules[i].end, BOOT_MEMORY_TAKEN);
	boot_memory_normalize();
	boot_info.trampoline_page = trampoline_page_find();
	boot_range_add(0, BOOT_LOW_END, BOOT_MEMORY_TAKEN);
	boot_range_add(boot_info.trampoline_page, boot_info.trampoline_page + PAGE_SIZE,
		  BOOT_MEMORY_TAKEN);
	boot_memory_normalize();
}
