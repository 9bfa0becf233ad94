/* SPDX-License-Identifier: MIT
 *
 * Building the kernel's half of the address space at boot: direct map, image, and the tables of two
 * areas that are filled later (kernel stacks, device memory).
 */
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/features.h"
#include "arch/x86_64/cpu/layout.h"
#include "arch/x86_64/cpu/percpu.h"
#include "arch/x86_64/mmu/walk.h"
#include "boot/boot_info.h"
#include "kernel/log/log.h"
#include "kernel/log/panic.h"

#define SHIFT_2M 21
#define SHIFT_1G 30

/* It must be below 4 GiB, because the other CPUs load it in 32-bit mode; therefore static. */
static u64 kernel_root[TABLE_ENTRIES] __aligned(PAGE_SIZE);

extern u64 boot_pml4[]; /* boot.S, by its physical address */

static void map_entry(u64 address, unsigned shift, u64 value)
{
	u64 *entry = page_table_entry(&kernel_pmap, address, shift, true);

	if (!entry)
		panic("no memory for the kernel's page tables");
	*entry = value | PTE_PRESENT | pte_global;
}

/* Returns the shift of the largest page that can begin at `p` and does not exceed `end`. */
static unsigned page_shift(paddr_t p, paddr_t end)
{
	static const unsigned shifts[] = {SHIFT_1G, SHIFT_2M};

	for (unsigned i = cpu_features.pages_1g ? 0 : 1; i < ARRAY_SIZE(shifts); i++) {
		u64 size = 1UL << shifts[i];

		if (!(p & (size - 1)) && end - p >= size)
			return shifts[i];
	}
	return PAGE_SHIFT;
}

/* Map physical [p, end), which is page-aligned, in the direct map. */
static void map_direct(paddr_t p, paddr_t end, u64 flags)
{
	while (p < end) {
		unsigned shift = page_shift(p, end);

		map_entry(DIRECT_MAP_BASE + p, shift,
			  p | flags | pte_nx | (shift > PAGE_SHIFT ? PTE_LARGE : 0));
		p += 1UL << shift;
	}
}

/* Map RAM in the direct map.  Code and constants of the image are read-only here too, so that they
 * cannot be written through any mapping. */
static void map_ram(paddr_t p, paddr_t end)
{
	paddr_t fixed = virt_to_phys(__kernel_start), fixed_end = virt_to_phys(__rodata_end);

	if (end <= fixed || p >= fixed_end) {
		map_direct(p, end, PTE_WRITE);
		return;
	}
	map_direct(p, fixed, PTE_WRITE);
	map_direct(MAX(p, fixed), MIN(end, fixed_end), 0);
	map_direct(fixed_end, end, PTE_WRITE);
}

_Static_assert(BOOT_MEMORY_LIMIT <= DIRECT_MAP_SIZE, "all RAM is in the direct map");

/* Map all RAM: usable, taken, and used by firmware for ACPI.  Adjacent ranges are joined, so that
 * pages can be as large as possible.  Reserved ranges may be devices and are not mapped. */
static void map_all_ram(void)
{
	paddr_t start = 0, end = 0;

	for (u32 i = 0; i < boot_info.memory_count; i++) {
		const struct boot_memory *m = &boot_info.memory[i];

		if (m->type == BOOT_MEMORY_RESERVED)
			continue;
		if (m->base > end) {
			map_ram(start, end);
			start = m->base;
		}
		end = m->base + m->length;
	}
	map_ram(start, end);
}

/* Map those pages of modules that the memory map does not list as RAM. */
static void map_modules(void)
{
	for (u32 i = 0; i < boot_info.module_count; i++) {
		const struct boot_module *m = &boot_info.modules[i];

		for (paddr_t p = ALIGN_DOWN(m->start, PAGE_SIZE); p < m->end; p += PAGE_SIZE) {
			u64 *entry =
			    page_table_entry(&kernel_pmap, DIRECT_MAP_BASE + p, PAGE_SHIFT, true);

			if (entry && !*entry)
				*entry = p | PTE_WRITE | pte_nx | PTE_PRESENT | pte_global;
		}
	}
}

static void map_image(const char *start, const char *end, u64 flags)
{
	for (const char *p = start; p < end; p += PAGE_SIZE)
		if (p != boot_stack_guard)
			map_entry((u64)p, PAGE_SHIFT, virt_to_phys(p) | flags);
}

void paging_init(void)
{
	pte_nx = cpu_features.nx ? PTE_NX : 0;
	pte_global = cpu_features.pge ? PTE_GLOBAL : 0;
	kernel_pmap.root = virt_to_phys(kernel_root);
	kernel_pmap.table_frames = 1;

	/* Low addresses stay as boot.S has mapped them until all CPUs have started: for the
	 * trampoline, and for what draws the log until then. */
	kernel_root[0] = boot_pml4[0];

	map_all_ram();
	map_modules();
	map_image(__text_start, __text_end, 0);
	map_image(__rodata_start, __rodata_end, pte_nx);
	map_image(__data_start, __kernel_end, PTE_WRITE | pte_nx);

	/* These areas are filled later.  Their top-level entries must exist before a root is
	 * copied. */
	if (!page_table_entry(&kernel_pmap, KSTACK_AREA_BASE, SHIFT_1G, true) ||
	    !page_table_entry(&kernel_pmap, MMIO_BASE, SHIFT_1G, true))
		panic("no memory for the kernel's page tables");
	for (u32 i = USER_ENTRIES; i < TABLE_ENTRIES; i++)
		if (kernel_root[i])
			kernel_root_lines |= 1UL << i / TABLE_LINE;

	paging_init_cpu();
}

/* Only the kernel's own root has this entry, because pmap_init() copies the upper half only. */
void paging_drop_identity(void)
{
	WRITE_ONCE(kernel_root[0], 0);
}

void *mmio_map(paddr_t address, size_t size, enum cache_type cache)
{
	/* PAT_VALUE in features.c defines what PWT and PCD select. */
	static const u64 cache_flags[] = {
	    [CACHE_UNCACHED] = PTE_PCD | PTE_PWT,
	    [CACHE_WRITE_COMBINING] = PTE_PWT,
	    [CACHE_WRITE_BACK] = 0,
	};
	static u64 next = MMIO_BASE;
	paddr_t start = ALIGN_DOWN(address, PAGE_SIZE);
	u64 limit = 1UL << cpu_features.physical_bits;
	u64 bytes, at;

	if (!size || address >= limit || size > limit - address)
		return NULL;
	bytes = ALIGN_UP(address + size, PAGE_SIZE) - start;
	if (bytes > MMIO_SIZE / 2 || READ_ONCE(next) > MMIO_BASE + MMIO_SIZE / 2)
		return NULL;
	/* Leave one page unmapped after each area, so that an access past its end faults. */
	at = __atomic_fetch_add(&next, bytes + PAGE_SIZE, __ATOMIC_RELAXED);
	for (u64 done = 0; done < bytes; done += PAGE_SIZE)
		if (kernel_map_page(at + done, start + done,
				    PTE_WRITE | pte_nx | cache_flags[cache]))
			return NULL;
	return (void *)(at + (address - start));
}
