/* SPDX-License-Identifier: MIT
 *
 * Page tables: creating, walking and freeing them, and which root a CPU has loaded.  A new table is
 * inserted by compare-and-exchange, so several CPUs may create tables for one area at a time.
 */
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/layout.h"
#include "arch/x86_64/cpu/percpu.h"
#include "arch/x86_64/mmu/paging.h"
#include "arch/x86_64/mmu/walk.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/log/panic.h"
#include "kernel/mem/page.h"

u64 pte_nx;
u64 pte_global, kernel_root_lines;
struct pmap kernel_pmap;
u8 zero_page[PAGE_SIZE] __aligned(PAGE_SIZE);

/* Insert a new table at the empty `entry`, unless another CPU does so first.  False: no memory. */
static bool table_install(struct pmap *pmap, u64 *entry, u64 flags)
{
	paddr_t frame = page_table_frame_alloc();
	u64 old = 0;

	if (!frame)
		return false;
	if (__atomic_compare_exchange_n(entry, &old, frame | flags, false, __ATOMIC_ACQ_REL,
					__ATOMIC_ACQUIRE)) {
		__atomic_fetch_add(&pmap->table_frames, 1, __ATOMIC_RELAXED);
		if (pmap != &kernel_pmap)
			pte_set(entry, frame | flags); /* notes the line */
	} else {
		page_free_zeroed(phys_to_page(frame));
	}
	return true;
}

/* Walk down to the level *shift, as far as there are tables.  Returns the entry for `address` at
 * which the walk ended, and sets *shift to its level.  Every page fault walks: written out for each
 * level, as the compiler is told to, a walk takes 45 instructions instead of 87. */
static __always_inline u64 *walk(struct pmap *pmap, u64 address, unsigned *shift)
{
	u64 *table = phys_to_virt(pmap->root);

#pragma GCC unroll 4
	for (unsigned s = ROOT_SHIFT; s >= PAGE_SHIFT; s -= TABLE_SHIFT) {
		u64 *entry = &table[table_index(address, s)];
		u64 value = __atomic_load_n(entry, __ATOMIC_ACQUIRE);

		if (s == *shift || (value & (PTE_PRESENT | PTE_LARGE)) != PTE_PRESENT) {
			*shift = s;
			return entry;
		}
		table = phys_to_virt(value & PTE_ADDRESS);
	}
	return NULL; /* not reached */
}

u64 *page_table_entry(struct pmap *pmap, u64 address, unsigned shift, bool create)
{
	u64 flags = PTE_PRESENT | PTE_WRITE | (address < USER_MAX ? PTE_USER : 0);
	u64 *table = phys_to_virt(pmap->root);

	for (unsigned s = ROOT_SHIFT;; s -= TABLE_SHIFT) {
		u64 *entry = &table[table_index(address, s)];

		if (s == shift)
			return entry;
		if ((!(READ_ONCE(*entry) & PTE_PRESENT) &&
		     (!create || !table_install(pmap, entry, flags))) || READ_ONCE(*entry) & PTE_LARGE)
			return NULL;
		table = phys_to_virt(__atomic_load_n(entry, __ATOMIC_ACQUIRE) & PTE_ADDRESS);
	}
}

u64 *pmap_walk(struct pmap *pmap, u64 address, bool create)
{
	unsigned shift = PAGE_SHIFT;
	u64 *entry = walk(pmap, address, &shift);

	if (shift == PAGE_SHIFT)
		return entry;
	return create ? page_table_entry(pmap, address, PAGE_SHIFT, true) : NULL;
}

u64 *pmap_next_slot(struct pmap *pmap, u64 *address, u64 end)
{
	while (*address < end) {
		unsigned shift = PAGE_SHIFT;
		u64 *entry = walk(pmap, *address, &shift);

		if (shift == PAGE_SHIFT)
			return entry;
		*address = ALIGN_DOWN(*address, 1UL << shift) + (1UL << shift);
	}
	return NULL;
}

int pmap_init(struct pmap *pmap)
{
	const u64 *kernel_root = phys_to_virt(kernel_pmap.root);
	u64 *root;

	*pmap = (struct pmap){.root = page_table_frame_alloc(), .table_frames = 1};
	if (!pmap->root)
		return -ENOMEM;
	/* paging_init() has filled the kernel's half of the root, and it never changes after that.
	 */
	root = phys_to_virt(pmap->root);
	for (u64 lines = kernel_root_lines; lines; lines &= lines - 1) {
		u32 first = (u32)__builtin_ctzl(lines) * TABLE_LINE;

		memcpy(&root[first], &kernel_root[first], TABLE_LINE * sizeof(*root));
	}
	phys_to_page(pmap->root)->table_lines = kernel_root_lines;
	return 0;
}

/* Free a table whose entries span 1 << `shift` bytes, and what it maps, but not the tables of the
 * kernel's half.  Returns the number of pages.  Each entry that is in use is set to 0, so the frame
 * contains only zeros then. */
static u64 table_free(paddr_t table, unsigned shift)
{
	struct page *p = &page_array[table >> PAGE_SHIFT];
	u64 *entries = phys_to_virt(table), pages = 0;

	for (u64 lines = p->table_lines; lines; lines &= lines - 1) {
		u64 *line = &entries[__builtin_ctzl(lines) * TABLE_LINE];

#pragma GCC unroll 8
		for (u32 i = 0; i < TABLE_LINE; i++) {
			u64 entry = line[i], frame = entry & PTE_ADDRESS;

			if (!entry)
				continue;
			line[i] = 0;
			if (shift == ROOT_SHIFT && line >= &entries[USER_ENTRIES])
				continue;
			if (shift > PAGE_SHIFT) {
				pages += table_free(frame, shift - TABLE_SHIFT);
			} else if (frame != virt_to_phys(zero_page)) {
				page_put(&page_array[frame >> PAGE_SHIFT]);
				pages++;
			}
		}
	}
	page_free_zeroed(p);
	return pages;
}

u64 pmap_tables_free(struct pmap *pmap)
{
	return table_free(pmap->root, ROOT_SHIFT);
}

/* Set the bit in `active` before loading CR3.  cpumask_set() is a full barrier and pairs with the
 * fence in flush_on() (tlb.c): a CPU that changes entries and then reads `active` either sees our
 * bit and sends an IPI, or its change is visible before we load CR3, which flushes the TLB.  The
 * bit of the old root is cleared last, because until CR3 is written this CPU may use old entries.
 */
__hot bool pmap_switch(struct pmap *next)
{
	struct cpu *cpu = this_cpu();
	struct pmap *old = cpu->pmap;
	u32 id = cpu->id;

	assert(!irqs_enabled());
	cpu->pmap_lazy = !next;
	if (!next || next == old)
		return false;
	cpumask_set(&next->active, id);
	write_cr3(next->root);
	cpu->pmap = next;
	cpumask_clear(&old->active, id);
	return true;
}

int kernel_map_page(u64 address, paddr_t frame, u64 flags)
{
	u64 *entry = page_table_entry(&kernel_pmap, address, PAGE_SHIFT, true);

	if (!entry)
		return -ENOMEM;
	assert(!*entry);
	__atomic_store_n(entry, frame | flags | pte_global | PTE_PRESENT, __ATOMIC_RELEASE);
	return 0;
}

paddr_t kernel_unmap_page(u64 address)
{
	u64 *entry = page_table_entry(&kernel_pmap, address, PAGE_SHIFT, false);

	return entry ? __atomic_exchange_n(entry, 0, __ATOMIC_ACQ_REL) & PTE_ADDRESS : 0;
}

void paging_init_cpu(void)
{
	struct cpu *cpu = this_cpu();

	cpumask_set(&kernel_pmap.active, cpu->id);
	cpu->pmap = &kernel_pmap;
	write_cr3(kernel_pmap.root);
}
