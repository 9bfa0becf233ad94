/* SPDX-License-Identifier: MIT
 *
 * Memory before the frame allocator: what the boot loader's map leaves free, and frames from there.
 */
#include "boot/boot_info.h"
#include "kernel/lib/panic.h"
#include "kernel/lib/string.h"
#include "kernel/mem/early.h"
#include "kernel/mem/page.h"

#define LOW_END	    0x10000	/* firmware scribbles over the lowest 64 KiB of some machines */
#define EARLY_START 0x100000	/* frames are given from here on, upwards ... */
#define EARLY_LIMIT (4UL << 30) /* ... as far as boot.S has mapped */

struct range {
	paddr_t start, end;
};

static paddr_t early_next = EARLY_START, early_end;
static u64 early_frames;

static struct range region(const struct boot_memory *m)
{
	paddr_t end;

	if (__builtin_add_overflow(m->base, m->length, &end) || end > DIRECT_MAP_SIZE)
		end = DIRECT_MAP_SIZE;
	return (struct range){MIN(m->base, end), end};
}

/* The i-th range that is not to be given away; false past the last. */
static bool reserved_range(u32 i, struct range *r)
{
	if (i < boot_info.memory_count) {
		*r = region(&boot_info.memory[i]);
		if (boot_info.memory[i].type == BOOT_MEMORY_USABLE)
			r->end = r->start;
		return true;
	}
	i -= boot_info.memory_count;
	if (i < boot_info.module_count) {
		*r = (struct range){boot_info.modules[i].start, boot_info.modules[i].end};
		return true;
	}
	switch (i - boot_info.module_count) {
	case 0:
		*r = (struct range){(paddr_t)__boot_start, virt_to_phys(__kernel_end)};
		return true;
	case 1:
		*r = (struct range){boot_info.info_start, boot_info.info_end};
		return true;
	case 2:
		*r = (struct range){0, LOW_END};
		return true;
	case 3:
		*r = (struct range){boot_info.trampoline_page,
				    boot_info.trampoline_page + PAGE_SIZE};
		return true;
	case 4:
		*r = (struct range){EARLY_START, early_next};
		return true;
	default:
		return false;
	}
}

/* The lowest usable region's part at or above `at`. */
static bool usable_next(paddr_t at, struct range *found)
{
	*found = (struct range){~0UL, 0};
	for (u32 i = 0; i < boot_info.memory_count; i++) {
		struct range r = region(&boot_info.memory[i]);

		r.start = MAX(ALIGN_UP(r.start, PAGE_SIZE), at);
		r.end = ALIGN_DOWN(r.end, PAGE_SIZE);
		if (boot_info.memory[i].type == BOOT_MEMORY_USABLE && r.start < r.end &&
		    r.start < found->start)
			*found = r;
	}
	return found->end != 0;
}

bool boot_range_next(paddr_t *start, paddr_t *end)
{
	struct range free, r;
	u32 i = 0;

	if (!usable_next(*start, &free))
		return false;
	while (reserved_range(i++, &r)) {
		if (r.start >= r.end)
			continue;
		r.start = ALIGN_DOWN(r.start, PAGE_SIZE);
		r.end = ALIGN_UP(r.end, PAGE_SIZE);
		if (r.start > free.start) {
			free.end = MIN(free.end, r.start);
		} else if (r.end > free.start) {
			if (!usable_next(r.end, &free))
				return false;
			i = 0; /* from the new place on, all have a say again */
		}
	}
	*start = free.start;
	*end = free.end;
	return true;
}

paddr_t early_frame_alloc(void)
{
	paddr_t frame = early_next;

	require(!page_array); /* page_init() has taken what was left */
	if (frame >= early_end && !boot_range_next(&frame, &early_end))
		frame = EARLY_LIMIT;
	if (frame >= EARLY_LIMIT)
		panic("no memory below 4 GiB for the first page tables");
	early_next = frame + PAGE_SIZE;
	early_frames++;
	page_clear(phys_to_virt(frame));
	return frame;
}

u64 early_frame_count(void)
{
	return early_frames;
}
