/* SPDX-License-Identifier: MIT
 *
 * Memory before the frame allocator works: free ranges of the memory map, and frames from them.
 */
#include "arch/x86_64/cpu/layout.h"
#include "boot/boot_info.h"
#include "kernel/lib/string.h"
#include "kernel/log/panic.h"
#include "kernel/mem/early.h"

#define EARLY_START 0x100000 /* frames are allocated upwards from here */

static paddr_t early_next = EARLY_START, early_end;
static u64 early_frames;
static bool early_ended;

bool boot_range_next(paddr_t *start, paddr_t *end)
{
	for (u32 i = 0; i < boot_info.memory_count; i++) {
		const struct boot_memory *m = &boot_info.memory[i];
		paddr_t from = MAX(m->base, *start), to = m->base + m->length;

		if (m->type != BOOT_MEMORY_USABLE)
			continue;
		if (from < EARLY_START)
			to = MIN(to, (paddr_t)EARLY_START);
		else
			from = MAX(from, early_next);
		if (from < to) {
			*start = from;
			*end = to;
			return true;
		}
	}
	return false;
}

paddr_t early_frame_alloc(void)
{
	paddr_t frame = early_next;

	require(!early_ended);
	if (frame >= early_end && !boot_range_next(&frame, &early_end))
		frame = EARLY_LIMIT;
	if (frame >= EARLY_LIMIT)
		panic("no memory below 4 GiB for the first page tables");
	early_next = frame + PAGE_SIZE;
	early_frames++;
	page_clear(phys_to_virt(frame));
	return frame;
}

void early_frames_end(void)
{
	early_ended = true;
}

u64 early_frame_count(void)
{
	return early_frames;
}
