/* SPDX-License-Identifier: MIT
 *
 * Page tables, the permissions of kernel mappings, and the clock.
 */
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/layout.h"
#include "arch/x86_64/cpu/percpu.h"
#include "arch/x86_64/mmu/walk.h"
#include "arch/x86_64/pc/clock.h"
#include "arch/x86_64/pc/smp.h"
#include "arch/x86_64/pc/tlb.h"
#include "kernel/mem/page.h"
#include "tests/kernel/ktest.h"

/* The first address from `address` to `end` that has tables; 0: there is none. */
static u64 next_mapped(struct pmap *p, u64 address, u64 end)
{
	u64 *slot = pmap_next_slot(p, &address, end);

	KEXPECT(!slot || slot == pmap_walk(p, address, false));
	return slot ? address : 0;
}

KTEST(pmap_tables_come_and_go)
{
	struct pmap p;

	KEXPECT_EQ(pmap_init(&p), 0);
	KEXPECT(!pmap_walk(&p, 0x400000, false));
	KEXPECT(pmap_walk(&p, 0x400000, true) != NULL);
	KEXPECT_EQ(p.table_frames, 4);
	KEXPECT(pmap_walk(&p, 0x5ff000, true) == pmap_walk(&p, 0x400000, false) + 511);
	KEXPECT_EQ(p.table_frames, 4);
	KEXPECT(pmap_walk(&p, USER_MAX - PAGE_SIZE, true) != NULL);
	KEXPECT_EQ(p.table_frames, 7);

	KEXPECT(next_mapped(&p, USER_MIN, USER_MAX) == 0x400000);
	KEXPECT(next_mapped(&p, 0x5ff000, USER_MAX) == 0x5ff000);
	KEXPECT(next_mapped(&p, 0x600000, USER_MAX) == ALIGN_DOWN(USER_MAX - 1, 1UL << 21));
	KEXPECT(next_mapped(&p, 0x600000, 0x10000000) == 0);
	KEXPECT_EQ(pmap_destroy(&p), 0);
	KEXPECT(cpumask_empty(&p.active));
}

KTEST(pmap_lazy_root_is_dropped)
{
	struct pmap p;
	struct pmap *before;
	u64 flags;

	KEXPECT_EQ(pmap_init(&p), 0);
	preempt_disable();
	flags = irq_save();
	before = this_cpu()->pmap;
	KEXPECT(pmap_switch(&p));
	KEXPECT(!pmap_switch(&p));
	KEXPECT(!pmap_switch(NULL));
	KEXPECT_EQ(read_cr3(), p.root);
	irq_restore(flags);
	tlb_shootdown(&p, 0x400000, 0x401000);
	KEXPECT_EQ(read_cr3(), kernel_pmap.root);
	KEXPECT(!cpumask_test(&p.active, this_cpu_id()));
	flags = irq_save();
	pmap_switch(before);
	irq_restore(flags);
	preempt_enable();
	pmap_destroy(&p);
}

/* Number of mappings below `table` that are both writable and executable. */
static u64 count_wx(const u64 *table, unsigned shift, unsigned from, bool write, bool execute)
{
	u64 found = 0;

	for (unsigned i = from; i < 512; i++) {
		u64 e = READ_ONCE(table[i]);
		bool w = write && e & PTE_WRITE, x = execute && !(e & PTE_NX);

		if (!(e & PTE_PRESENT))
			continue;
		if (shift == PAGE_SHIFT || (e & PTE_LARGE && shift < 39))
			found += w && x;
		else
			found += count_wx(phys_to_virt(e & PTE_ADDRESS), shift - 9, 0, w, x);
	}
	return found;
}

KTEST(kernel_half_is_never_writable_and_executable)
{
	if (pte_nx)
		KEXPECT_EQ(count_wx(phys_to_virt(kernel_pmap.root), 39, 256, true, true), 0);
}

KTEST(kernel_text_is_read_only_through_the_direct_map)
{
	u64 alias = (u64)phys_to_virt(virt_to_phys(__text_start));
	u64 *entry = page_table_entry(&kernel_pmap, alias, PAGE_SHIFT, false);

	KEXPECT(entry && !(*entry & PTE_WRITE));
	KEXPECT(!page_table_entry(&kernel_pmap, (u64)boot_stack_guard, PAGE_SHIFT, false) ||
		!*page_table_entry(&kernel_pmap, (u64)boot_stack_guard, PAGE_SHIFT, false));
}

KTEST(mmio_map_sees_the_same_memory)
{
	struct page *page = page_alloc_zeroed(PAGE_KERNEL);
	volatile u32 *alias;

	KEXPECT(page != NULL);
	if (!page)
		return;
	alias = mmio_map(page_to_phys(page) + 8, 4, CACHE_WRITE_BACK);
	KEXPECT(alias != NULL);
	if (alias) {
		*alias = 0x12345678;
		KEXPECT_EQ(((u32 *)page_to_virt(page))[2], 0x12345678);
		/* mmio_map() mappings are permanent, but this frame is freed: unmap it here. */
		kernel_unmap_page((u64)alias & PAGE_MASK);
		tlb_flush_kernel_range((u64)alias & PAGE_MASK,
				       ((u64)alias & PAGE_MASK) + PAGE_SIZE);
	}
	KEXPECT(!mmio_map(0x1000, 0, CACHE_UNCACHED));
	KEXPECT(!mmio_map(~0UL, 2, CACHE_UNCACHED));
	page_put(page);
}

struct latest {
	u32 lock;
	u64 ns;
	u32 backwards;
};

static void latest_update(void *arg)
{
	struct latest *l = arg;

	for (u32 i = 0; i < 200; i++) {
		u64 now;

		while (__atomic_exchange_n(&l->lock, 1, __ATOMIC_ACQUIRE))
			cpu_relax();
		now = clock_now_ns();
		l->backwards += now < l->ns;
		l->ns = now;
		__atomic_store_n(&l->lock, 0, __ATOMIC_RELEASE);
	}
}

KTEST(clock_never_runs_backwards_between_cpus)
{
	static struct latest l;
	struct cpumask others = cpus_online;

	preempt_disable();
	cpumask_clear(&others, this_cpu_id());
	latest_update(&l);
	if (!cpumask_empty(&others))
		smp_call(&others, latest_update, &l);
	latest_update(&l);
	preempt_enable();
	KEXPECT_EQ(l.backwards, 0);
}

KTEST(clock_delay_waits_as_long_as_told)
{
	u64 before = clock_now_ns();

	clock_delay_us(1500);
	KEXPECT(clock_now_ns() - before >= 1500 * NSEC_PER_USEC);
}
