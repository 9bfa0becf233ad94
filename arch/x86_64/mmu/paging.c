/* SPDX-License-Identifier: MIT
 *
 * Page tables: making, walking and freeing them, and which root a CPU has loaded.  Tables are
 * entered with compare-and-exchange, so several CPUs may make tables for one area at a time.
 */
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/features.h"
#include "arch/x86_64/cpu/layout.h"
#include "arch/x86_64/cpu/percpu.h"
#include "arch/x86_64/mmu/paging.h"
#include "arch/x86_64/mmu/walk.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/log/panic.h"
#include "kernel/mem/page.h"

u64 pte_nx;
u64 pte_global;
struct pmap kernel_pmap;

/* Enter a new table in the empty `entry`, unless another CPU was faster.  The entry as it then
 * is; 0: no memory. */
static u64 table_install(struct pmap *pmap, u64 *entry, u64 flags)
{
	paddr_t frame = page_table_frame_alloc();
	u64 old = 0;

	if (!frame)
		return 0;
	if (__atomic_compare_exchange_n(entry, &old, frame | flags, false, __ATOMIC_ACQ_REL,
					__ATOMIC_ACQUIRE)) {
		__atomic_fetch_add(&pmap->table_frames, 1, __ATOMIC_RELAXED);
		return frame | flags;
	}
	page_table_frame_free(frame);
	return old;
}

u64 *page_table_entry(struct pmap *pmap, u64 address, unsigned shift, bool create)
{
	u64 flags = PTE_PRESENT | PTE_WRITE | (address < USER_MAX ? PTE_USER : 0);
	u64 *table = phys_to_virt(pmap->root);

	for (unsigned s = 39; s > shift; s -= 9) {
		u64 *entry = &table[address >> s & 511];
		u64 value = __atomic_load_n(entry, __ATOMIC_ACQUIRE);

		if (!(value & PTE_PRESENT)) {
			value = create ? table_install(pmap, entry, flags) : 0;
			if (!value)
				return NULL;
		}
		if (value & PTE_LARGE)
			return NULL;
		table = phys_to_virt(value & PTE_ADDRESS);
	}
	return &table[address >> shift & 511];
}

u64 *pmap_walk(struct pmap *pmap, u64 address, bool create)
{
	return page_table_entry(pmap, address, PAGE_SHIFT, create);
}

u64 pmap_next_mapped(struct pmap *pmap, u64 address, u64 end)
{
	while (address < end) {
		u64 *table = phys_to_virt(pmap->root);
		unsigned s;

		for (s = 39; s > PAGE_SHIFT; s -= 9) {
			u64 value = __atomic_load_n(&table[address >> s & 511], __ATOMIC_ACQUIRE);

			if (!(value & PTE_PRESENT))
				break;
			table = phys_to_virt(value & PTE_ADDRESS);
		}
		if (s == PAGE_SHIFT)
			return address;
		address = ALIGN_DOWN(address, 1UL << s) + (1UL << s);
	}
	return end;
}

int pmap_init(struct pmap *pmap)
{
	u64 *root;

	memset(pmap, 0, sizeof(*pmap));
	pmap->root = page_table_frame_alloc();
	if (!pmap->root)
		return -ENOMEM;
	pmap->table_frames = 1;
	/* The kernel's half is complete since paging_init(): entries of it never change. */
	root = phys_to_virt(pmap->root);
	memcpy(root + 256, (u64 *)phys_to_virt(kernel_pmap.root) + 256, PAGE_SIZE / 2);
	return 0;
}

/* Free a table whose entries span 1 << `shift` bytes, and the tables below.  `count`: of entries to
 * look at, from the first.  Nearly all are empty, and this is a third of the price of fork and
 * exit: eight of them (a cache line) are passed over at a time. */
static void table_free(paddr_t table, unsigned shift, unsigned count)
{
	u64 *entries = phys_to_virt(table);

	for (unsigned i = 0; shift > PAGE_SHIFT && i < count; i += 8) {
		const u64 *e = &entries[i];

		if (!(e[0] | e[1] | e[2] | e[3] | e[4] | e[5] | e[6] | e[7]))
			continue;
		for (unsigned j = 0; j < 8; j++)
			if (e[j] & PTE_PRESENT)
				table_free(e[j] & PTE_ADDRESS, shift - 9, 512);
	}
	page_table_frame_free(table);
}

void pmap_tables_free(struct pmap *pmap)
{
	table_free(pmap->root, 39, 256);
	pmap->root = 0;
	pmap->table_frames = 0;
}

/* The bit in `active` is set before the root is loaded, and is a full barrier: a CPU that changes
 * entries and then reads the mask either sees the bit and sends an IPI, or this load of CR3 comes
 * after the change.  The old root's bit goes last for the same reason. */
bool pmap_switch(struct pmap *next)
{
	struct cpu *cpu = this_cpu();
	struct pmap *old = cpu->pmap;

	assert(!irqs_enabled());
	cpu->pmap_lazy = !next;
	if (!next || next == old)
		return false;
	cpumask_set(&next->active, cpu->id);
	write_cr3(next->root);
	cpu->pmap = next;
	cpumask_clear(&old->active, cpu->id);
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
