/* SPDX-License-Identifier: MIT
 *
 * What is common to all boot loaders: collecting, and bringing the memory map into order.
 */
#include "boot/boot_info.h"
#include "boot/parse.h"
#include "kernel/lib/sort.h"
#include "kernel/lib/string.h"

#define TRAMPOLINE_PREFERRED 0x8000
#define TRAMPOLINE_LIMIT     0xa0000 /* start-up IPIs reach further, RAM does not */

struct boot_info boot_info = {.protocol = "none"};

extern u64 boot_entry_tsc; /* boot.S */

void boot_text_copy(char *dst, size_t size, const char *src, size_t max)
{
	size_t n = MIN(strnlen(src, max), size - 1);

	memcpy(dst, src, n);
	dst[n] = '\0';
}

void boot_memory_add(paddr_t base, u64 length, u32 type)
{
	if (!length || boot_info.memory_count == BOOT_MEMORY_MAX)
		return;
	boot_info.memory[boot_info.memory_count++] = (struct boot_memory){
	    .base = base,
	    .length = MIN(length, ~base), /* the end must be a number */
	    .type = type == 1	? BOOT_MEMORY_USABLE
		    : type == 3 ? BOOT_MEMORY_ACPI
		    : type == 4 ? BOOT_MEMORY_NVS
				: BOOT_MEMORY_RESERVED,
	};
}

void boot_module_add(paddr_t start, paddr_t end)
{
	if (start < end && boot_info.module_count < BOOT_MODULES_MAX)
		boot_info.modules[boot_info.module_count++] = (struct boot_module){start, end};
}

/* What [start, end), which no range's boundary divides, is; NULL: no range has it. */
static const struct boot_memory *memory_covering(paddr_t start, paddr_t end)
{
	const struct boot_memory *found = NULL;

	for (u32 i = 0; i < boot_info.memory_count; i++) {
		const struct boot_memory *m = &boot_info.memory[i];

		if (m->base <= start && end <= m->base + m->length &&
		    (!found || m->type > found->type))
			found = m;
	}
	return found;
}

/* Firmware's maps come unsorted and with overlaps: cut at every boundary, decide for each piece,
 * and join pieces that are alike. */
static void memory_normalize(void)
{
	static u64 cuts[2 * BOOT_MEMORY_MAX];
	static struct boot_memory out[BOOT_MEMORY_MAX];
	u32 n = 0, count = 0;

	for (u32 i = 0; i < boot_info.memory_count; i++) {
		cuts[n++] = boot_info.memory[i].base;
		cuts[n++] = boot_info.memory[i].base + boot_info.memory[i].length;
	}
	sort_u64(cuts, n);
	for (u32 i = 0; i + 1 < n; i++) {
		const struct boot_memory *m = memory_covering(cuts[i], cuts[i + 1]);
		struct boot_memory *last = count ? &out[count - 1] : NULL;

		if (cuts[i] == cuts[i + 1] || !m)
			continue;
		if (last && last->type == m->type && last->base + last->length == cuts[i])
			last->length += cuts[i + 1] - cuts[i];
		else if (count < BOOT_MEMORY_MAX)
			out[count++] =
			    (struct boot_memory){cuts[i], cuts[i + 1] - cuts[i], m->type};
	}
	memcpy(boot_info.memory, out, sizeof(out));
	boot_info.memory_count = count;
}

bool boot_range_usable(paddr_t start, paddr_t end)
{
	for (u32 i = 0; i < boot_info.memory_count; i++) {
		const struct boot_memory *m = &boot_info.memory[i];

		if (m->type == BOOT_MEMORY_USABLE && m->base <= start && end <= m->base + m->length)
			return true;
	}
	return false;
}

static bool trampoline_page_free(paddr_t page)
{
	if (!boot_range_usable(page, page + PAGE_SIZE))
		return false;
	for (u32 i = 0; i < boot_info.module_count; i++)
		if (page < boot_info.modules[i].end &&
		    page + PAGE_SIZE > boot_info.modules[i].start)
			return false;
	return page + PAGE_SIZE <= boot_info.info_start || page >= boot_info.info_end;
}

static paddr_t trampoline_page_find(void)
{
	if (trampoline_page_free(TRAMPOLINE_PREFERRED))
		return TRAMPOLINE_PREFERRED;
	for (paddr_t p = TRAMPOLINE_LIMIT - PAGE_SIZE; p; p -= PAGE_SIZE)
		if (trampoline_page_free(p))
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
	memory_normalize();
	boot_info.trampoline_page = trampoline_page_find();
}
