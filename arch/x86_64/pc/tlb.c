/* SPDX-License-Identifier: MIT
 *
 * Flushing old translations from the TLBs after a change of page tables (SDM 3A 4.10).  Only CPUs
 * that have the root loaded are interrupted.  A CPU that runs a kernel thread on this root does not
 * flush but loads the kernel's root.  docs/rooms/mmu.md lists what a flush may skip, and why.
 */
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/features.h"
#include "arch/x86_64/cpu/percpu.h"
#include "arch/x86_64/pc/smp.h"
#include "arch/x86_64/pc/tlb.h"
#include "kernel/log/panic.h"

/* Up to so many pages, INVLPG for each costs less than a full flush and the misses after it. */
#define FLUSH_PAGES_MAX 32

DEFINE_PER_CPU(struct tlb_stats, tlb_counters);

struct flush {
	struct pmap *pmap; /* NULL: kernel addresses */
	u64 start, end;
};

/* Flush all entries, also global ones: a change of CR4.PGE does that (SDM 3A 4.10.4.1). */
static void flush_everything(void)
{
	u64 cr4 = read_cr4();

	if (cr4 & CR4_PGE) {
		write_cr4(cr4 & ~CR4_PGE);
		write_cr4(cr4);
	} else {
		write_cr3(read_cr3());
	}
}

/* Do what `arg`, a struct flush, asks on this CPU.  Interrupts off. */
static void flush_here(void *arg)
{
	const struct flush *f = arg;
	struct cpu *cpu = this_cpu();

	/* Since it was chosen, this CPU has loaded another root, which flushed its TLB. */
	if (f->pmap && f->pmap != cpu->pmap)
		return;
	if (f->pmap && cpu->pmap_lazy) {
		pmap_switch(&kernel_pmap);
		return;
	}
	this_cpu_ptr(tlb_counters)->local_flushes++;
	if (f->end - f->start <= FLUSH_PAGES_MAX * PAGE_SIZE) {
		for (u64 a = f->start & PAGE_MASK; a < f->end; a += PAGE_SIZE)
			tlb_flush_page(a);
	} else if (f->pmap) {
		write_cr3(read_cr3());
	} else {
		flush_everything();
	}
}

/* Do what `f` asks on this CPU and on the CPUs of `cpus`, which other CPUs may change.  Waits for
 * them. */
static void flush_on(const struct cpumask *cpus, struct flush *f)
{
	struct cpumask others;
	u64 flags;

	preempt_disable();
	/* Full barrier: the caller's changes of entries must be visible before `cpus` is read.
	 * Pairs with cpumask_set() in pmap_switch(). */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	others = *cpus;
	cpumask_clear(&others, this_cpu_id());
	flags = irq_save();
	flush_here(f);
	irq_restore(flags);
	if (!cpumask_empty(&others)) {
		struct tlb_stats *stats = this_cpu_ptr(tlb_counters);

		stats->shootdowns++;
		stats->remote_cpus += cpumask_count(&others);
		smp_call(&others, flush_here, f);
	}
	preempt_enable();
}

void tlb_shootdown(struct pmap *pmap, u64 start, u64 end)
{
	struct flush f = {pmap, start, end};

	__atomic_fetch_add(&pmap->flushes, 1, __ATOMIC_RELAXED);
	flush_on(&pmap->active, &f);
}

void tlb_flush_kernel_range(u64 start, u64 end)
{
	struct flush f = {NULL, start, end};

	flush_on(&cpus_online, &f);
}

/* Load the kernel's root if this CPU has the root of `arg`, a struct pmap.  Interrupts off. */
static void root_drop(void *arg)
{
	if (this_cpu()->pmap == arg)
		pmap_switch(&kernel_pmap);
}

u64 pmap_destroy(struct pmap *pmap)
{
	u64 flags;

	preempt_disable();
	flags = irq_save();
	root_drop(pmap);
	irq_restore(flags);
	if (!cpumask_empty(&pmap->active)) {
		struct cpumask lazy = pmap->active;

		smp_call(&lazy, root_drop, pmap);
	}
	preempt_enable();
	require(cpumask_empty(&pmap->active));
	return pmap_tables_free(pmap);
}
