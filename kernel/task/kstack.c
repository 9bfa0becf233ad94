/* SPDX-License-Identifier: MIT
 *
 * Kernel stacks.  The area is an array of slots; each slot is a guard page that is never mapped,
 * and a stack above it.  Freed stacks stay mapped, in a list that is linked by their first words.
 * When memory is short all of them are unmapped, which needs only one TLB flush.
 */
#include "arch/x86_64/cpu/layout.h"
#include "arch/x86_64/mmu/paging.h"
#include "arch/x86_64/pc/tlb.h"
#include "kernel/log/panic.h"
#include "kernel/mem/page.h"
#include "kernel/sync/spinlock.h"
#include "kernel/task/kstack.h"

#define SLOT_SIZE   (PAGE_SIZE + KSTACK_SIZE)
#define STACK_PAGES (KSTACK_SIZE / PAGE_SIZE)
#define SLOTS_MAX   65536UL

DEFINE_SPINLOCK(kstack_lock);
/* Under kstack_lock: */
static u64 slots[SLOTS_MAX / 64]; /* bit set: taken */
static u64 first_word;		  /* all slots of the words before this one are taken */
static void *free_stacks;	  /* the first word of each points to the next */
u64 kstacks_kept;		  /* how many these are */

static u64 slot_count; /* a multiple of 64 */

static u64 slot_base(u64 slot)
{
	return KSTACK_AREA_BASE + slot * SLOT_SIZE + PAGE_SIZE;
}

/* Take a free slot.  Returns the address of its stack, or 0 if all slots are taken. */
static u64 slot_alloc(void)
{
	u64 flags = spin_lock_irq(&kstack_lock), base = 0;

	while (first_word < slot_count / 64 && slots[first_word] == ~0UL)
		first_word++;
	if (first_word < slot_count / 64) {
		u64 bit = (u64)__builtin_ctzl(~slots[first_word]);

		slots[first_word] |= 1UL << bit;
		base = slot_base(first_word * 64 + bit);
	}
	spin_unlock_irq(&kstack_lock, flags);
	return base;
}

static void slot_free(u64 base)
{
	u64 slot = (base - KSTACK_AREA_BASE) / SLOT_SIZE;
	u64 flags = spin_lock_irq(&kstack_lock);

	slots[slot / 64] &= ~(1UL << slot % 64);
	first_word = MIN(first_word, slot / 64);
	spin_unlock_irq(&kstack_lock, flags);
}

/* Allocate the frames of one stack and append them to a list.  False: there is no memory, and none
 * is allocated. */
static bool frames_alloc(struct list *frames)
{
	for (u32 i = 0; i < STACK_PAGES; i++) {
		struct page *p = page_alloc(0, PAGE_KSTACK);
		struct list *link;

		if (p) {
			list_push_back(frames, &p->link);
			continue;
		}
		while ((link = list_pop_front(frames)))
			page_put(list_entry(link, struct page, link));
		return false;
	}
	return true;
}

static void *free_pop(void)
{
	u64 flags = spin_lock_irq(&kstack_lock);
	void **stack = free_stacks;

	if (stack) {
		free_stacks = *stack;
		kstacks_kept--;
	}
	spin_unlock_irq(&kstack_lock, flags);
	return stack;
}

/* Frames and slots are freed after the TLB flush, since until then a TLB may still have their
 * translations. */
void kstack_shrink(void)
{
	struct list frames = LIST_INIT(frames), *link;
	u64 lowest = ~0UL, highest = 0, base;

	while ((base = (u64)free_pop())) {
		for (u32 i = 0; i < STACK_PAGES; i++) {
			paddr_t frame = kernel_unmap_page(base + i * PAGE_SIZE);
			struct page *p = phys_to_page(frame);

			p->owner = i == 0 ? (void *)base : NULL;
			list_push_back(&frames, &p->link);
		}
		lowest = MIN(lowest, base);
		highest = MAX(highest, base + KSTACK_SIZE);
	}
	if (list_empty(&frames))
		return;
	tlb_flush_kernel_range(lowest, highest);
	while ((link = list_pop_front(&frames))) {
		struct page *p = list_entry(link, struct page, link);

		if (p->owner)
			slot_free((u64)p->owner);
		page_put(p);
	}
}

void *kstack_alloc(void)
{
	struct list frames = LIST_INIT(frames);
	void *cached;
	u64 base;

	if (alloc_should_fail())
		return NULL;
	cached = free_pop();
	if (cached)
		return cached;
	if (!frames_alloc(&frames))
		return NULL;
	base = slot_alloc();
	if (!base && preemptible()) {
		kstack_shrink();
		base = slot_alloc();
	}
	for (u32 i = 0; i < STACK_PAGES; i++) {
		struct page *p = list_entry(list_pop_front(&frames), struct page, link);

		if (!base)
			page_put(p);
		else /* cannot fail: kstack_init() has made the page tables */
			require(!kernel_map_page(base + i * PAGE_SIZE, page_to_phys(p),
						 PTE_PRESENT | PTE_WRITE | PTE_GLOBAL | pte_nx));
	}
	return (void *)base;
}

void kstack_free(void *stack)
{
	u64 flags = spin_lock_irq(&kstack_lock);

	*(void **)stack = free_stacks;
	free_stacks = stack;
	kstacks_kept++;
	spin_unlock_irq(&kstack_lock, flags);
}

/* Make as many slots as stacks fit into half the memory, and the page tables of all of them.  So a
 * stack costs its frames and nothing else, and freeing it frees every frame. */
void kstack_init(void)
{
	struct page_stats stats;

	page_stats_read(&stats);
	slot_count = ALIGN_UP(MIN(stats.total / (2 * STACK_PAGES), SLOTS_MAX), 64);
	for (u64 a = KSTACK_AREA_BASE; a < slot_base(slot_count); a += PAGE_SIZE * 512)
		if (!pmap_walk(&kernel_pmap, a, true))
			panic("no memory for the page tables of %lu kernel stacks", slot_count);
	shrinker_register(kstack_shrink);
}
