/* SPDX-License-Identifier: MIT
 *
 * Flushing old translations from the TLBs of all CPUs.
 */
#pragma once

#include "arch/x86_64/mmu/paging.h"

/* Flush addresses [start, end) of `pmap` from the TLB of every CPU that has its root loaded.  A CPU
 * that has it loaded lazily loads the kernel's root instead.  Waits until all have done so, and
 * answers calls of other CPUs while it waits.  Interrupts on.  The caller may hold spinlocks, but
 * none that is ever taken with interrupts off: a CPU that spins for such a lock cannot answer. */
void tlb_shootdown(struct pmap *pmap, u64 start, u64 end);

/* Flush kernel addresses [start, end) on all CPUs.  The same rules hold. */
void tlb_flush_kernel_range(u64 start, u64 end);

struct tlb_stats {
	u64 local_flushes, shootdowns, remote_cpus;
};
extern struct tlb_stats tlb_counters; /* DEFINE_PER_CPU(): counters.c adds them up */

/* Free all tables of the user half, and the root, and drop the references of the pages that are
 * still mapped.  Returns the number of these.  CPUs that have the root loaded lazily are made to
 * load the kernel's root by an IPI, and this function waits for them: interrupts on, no spinlock
 * held. */
u64 pmap_destroy(struct pmap *pmap);
