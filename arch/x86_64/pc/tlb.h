/* SPDX-License-Identifier: MIT
 *
 * Keeping the TLBs of all CPUs in step with the page tables.
 */
#pragma once

#include "arch/x86_64/mmu/paging.h"

/* Flush addresses [start, end) of `pmap` from the TLB of every CPU that has it loaded; lazily
 * loaded ones drop the root instead.  Waits for them: interrupts on, no spinlock held that is ever
 * taken with interrupts off (the wait itself answers other CPUs' calls).  Counted in tlb_stats. */
void tlb_shootdown(struct pmap *pmap, u64 start, u64 end);

/* The same for kernel addresses, on all CPUs. */
void tlb_flush_kernel_range(u64 start, u64 end);

struct tlb_stats {
	u64 local_flushes, shootdowns, remote_cpus; /* sums over all CPUs */
};
struct tlb_stats tlb_stats_read(void);

/* Free all tables of the user half, and the root.  The leaves must be clear already.  CPUs that
 * still have the root lazily loaded are moved to the kernel's by IPI and waited for, so interrupts
 * must be on and no spinlock held. */
void pmap_destroy(struct pmap *pmap);
