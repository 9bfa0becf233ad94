/* SPDX-License-Identifier: MIT
 *
 * Look at each access of memory: may these bytes be used?  The compiler calls a function before
 * each access of the kernel (`make SANITIZE=addresses`; calls.c).  One byte of shadow memory says
 * of each eight bytes of RAM which of them may be used; the allocators' wrappers keep it
 * (allocators.c). The method is that of AddressSanitizer (Serebryany and others, USENIX ATC 2012).
 *
 * Watched are objects, and frames in the direct map.  Not watched: kernel stacks, which have guard
 * pages, and the kernel's variables.  This folder, the slab and the frame allocator, which use free
 * memory for their lists, are compiled without the calls.
 */
#include "kernel/watch/addresses/addresses.h"

#include "arch/x86_64/cpu/layout.h"
#include "kernel/lib/init.h"
#include "kernel/lib/string.h"
#include "kernel/log/log.h"
#include "kernel/log/panic.h"
#include "kernel/mem/page.h"
#include "kernel/watch/symbols.h"

/* The shadow comes in blocks of the largest size that the allocator has: each for 32 MiB of RAM.  A
 * block of places has a word for each frame of them. */
#define BLOCK_SIZE   (PAGE_SIZE << PAGE_ORDER_MAX)
#define BLOCK_SPAN   (BLOCK_SIZE * 8)
#define BLOCKS_MOST  2048
#define PLACES_ORDER 4

_Static_assert(PAGE_SIZE << PLACES_ORDER == BLOCK_SPAN / PAGE_SIZE * 8, "a word for each frame");

static u8 *blocks[BLOCKS_MOST];
static u64 *places[BLOCKS_MOST];

static u8 *shadow_of(u64 address)
{
	u64 physical = address - DIRECT_MAP_BASE;

	if (address < DIRECT_MAP_BASE || physical >= BLOCKS_MOST * BLOCK_SPAN ||
	    !blocks[physical / BLOCK_SPAN])
		return NULL;
	return blocks[physical / BLOCK_SPAN] + physical % BLOCK_SPAN / 8;
}

void addresses_forbid(const void *address, u64 size, enum address_state state)
{
	for (u64 a = (u64)address; a < (u64)address + size; a += 8) {
		u8 *shadow = shadow_of(a);

		if (shadow)
			*shadow = (u8)state;
	}
}

void addresses_allow(const void *address, u64 size)
{
	u8 *last = shadow_of((u64)address + size);

	addresses_forbid(address, size & ~7UL, 0);
	if (size % 8 && last)
		*last = size % 8;
}

u8 address_state(const void *address)
{
	u8 *shadow = shadow_of((u64)address);

	return shadow ? *shadow : 0;
}

u64 *frame_place(u64 address)
{
	u64 physical = address - DIRECT_MAP_BASE;

	if (!shadow_of(address) || physical >> PAGE_SHIFT >= page_array_frames)
		return NULL;
	return &places[physical / BLOCK_SPAN][physical % BLOCK_SPAN / PAGE_SIZE];
}

/* The first of these bytes that must not be used; 0: all may be. */
static u64 first_bad(u64 address, u64 size)
{
	for (u64 a = address; a < address + size; a = (a | 7) + 1) {
		u8 state = address_state((void *)a);
		u64 last = MIN(a | 7, address + size - 1);

		if (state && last % 8 >= state)
			return state >= ADDRESS_FREED ? a : MAX(a, (a & ~7UL) + state);
		if (state >= ADDRESS_FREED)
			return a;
	}
	return 0;
}

static const char *const reasons[] = {"in freed memory", "behind an object", "in a free frame"};

void addresses_check(u64 address, u64 size, bool write, u64 where)
{
	u64 bad = first_bad(address, size);
	u8 state = bad ? address_state((void *)bad) : 0;
	char here[64], there[80];

	if (likely(!bad) || panic_in_progress)
		return;
	symbol_format(here, sizeof(here), where);
	place_format(there, sizeof(there), bad);
	panic("%s of %lu bytes at 0x%lx by %s: 0x%lx is %s%s", write ? "write" : "read",
	      (unsigned long)size, (unsigned long)address, here, (unsigned long)bad,
	      reasons[state < ADDRESS_FREED ? 1 : state - ADDRESS_FREED], there);
}

static void addresses_init(void)
{
	u64 end = MIN(page_array_frames << PAGE_SHIFT, BLOCKS_MOST * BLOCK_SPAN);

	for (u64 physical = 0; physical < end; physical += BLOCK_SPAN) {
		struct page *p = page_alloc(PAGE_ORDER_MAX, PAGE_KERNEL);
		struct page *words = page_alloc(PLACES_ORDER, PAGE_KERNEL);

		if (!p || !words) {
			log_warn("addresses: no memory to watch what lies above 0x%lx",
				 (unsigned long)physical);
			break;
		}
		memset(page_to_virt(p), 0, BLOCK_SIZE);
		memset(page_to_virt(words), 0, PAGE_SIZE << PLACES_ORDER);
		places[physical / BLOCK_SPAN] = page_to_virt(words);
		blocks[physical / BLOCK_SPAN] = page_to_virt(p);
	}
	log_info("addresses: watching");
}

EARLY_INIT_CALL(5, addresses_init);
