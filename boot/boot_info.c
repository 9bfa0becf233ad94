/* SPDX-License-Identifier: MIT
 *
 * Collecting the reports of a boot loader in boot_info, and sorting the memory map.
 */
#include "boot/boot_info.h"
#include "boot/parse.h"
#include "kernel/lib/sort.h"
#include "kernel/lib/string.h"

/* At most so many ranges come from the firmware.  The rest is for ranges that the kernel takes:
 * image, boot information and modules; then the lowest memory and the trampoline's page. */
#define FIRMWARE_MAX (BOOT_MEMORY_MAX - 2 - BOOT_MODULES_MAX)

struct boot_info boot_info = {.protocol = "none"};

void boot_text_copy(char *dst, size_t size, const char *src, size_t max)
{
	size_t n = MIN(strnlen(src, max), size - 1);

	memcpy(dst, src, n);
	dst[n] = '\0';
}

void boot_range_add(paddr_t start, paddr_t end, enum boot_memory_type type)
{
	bool usable = type == BOOT_MEMORY_USABLE;

	start = MIN(start, BOOT_MEMORY_LIMIT);
	end = MIN(end, BOOT_MEMORY_LIMIT);
	start = usable ? ALIGN_UP(start, PAGE_SIZE) : ALIGN_DOWN(start, PAGE_SIZE);
	end = usable ? ALIGN_DOWN(end, PAGE_SIZE) : ALIGN_UP(end, PAGE_SIZE);
	if (start < end && boot_info.memory_count < BOOT_MEMORY_MAX)
		boot_info.memory[boot_info.memory_count++] =
		    (struct boot_memory){start, end - start, type};
}

void boot_module_add(paddr_t start, paddr_t end)
{
	if (start < end && boot_info.module_count < BOOT_MODULES_MAX)
		boot_info.modules[boot_info.module_count++] = (struct boot_module){start, end};
}

/* Returns the range of the highest type that covers [start, end), which contains no boundary of a
 * range; NULL: no range covers it. */
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

/* Cut the map at every boundary of a range, give each piece its type, and join adjacent pieces of
 * the same type. */
void boot_memory_normalize(void)
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
		else if (count < FIRMWARE_MAX)
			out[count++] =
			    (struct boot_memory){cuts[i], cuts[i + 1] - cuts[i], m->type};
		else
			boot_info.memory_left_out++;
	}
	memcpy(boot_info.memory, out, count * sizeof(*out));
	boot_info.memory_count = count;
}

void boot_memory_add(paddr_t base, u64 length, u32 type)
{
	/* Ranges of a long map can usually be joined. */
	if (boot_info.memory_count >= FIRMWARE_MAX)
		boot_memory_normalize();
	/* From the first range without room on, none is added that is usable.  One that is not takes
	 * the place of the last: it may lie in usable memory, and must be cut out of it. */
	if (boot_info.memory_count >= FIRMWARE_MAX || (boot_info.memory_left_out && type == 1)) {
		boot_info.memory_left_out++;
		if (type == 1)
			return;
		boot_info.memory_count--;
	}
	boot_range_add(base, base + MIN(length, ~base), /* the sum must not overflow */
		  type == 1   ? BOOT_MEMORY_USABLE
		  : type == 3 ? BOOT_MEMORY_ACPI
		  : type == 4 ? BOOT_MEMORY_NVS
			      : BOOT_MEMORY_RESERVED);
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
