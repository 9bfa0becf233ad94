/* SPDX-License-Identifier: MIT
 *
 * Page tables (SDM 3A chapter 4): walking, making and freeing them, and which CPUs have a root
 * loaded.  Who may touch which table when is the caller's business: a user half is guarded by its
 * address space's lock, the kernel half by the room whose area it is.
 */
#pragma once

#include "kernel/lib/base.h"
#include "kernel/lib/cpumask.h"

#define PTE_PRESENT  (1UL << 0)
#define PTE_WRITE    (1UL << 1)
#define PTE_USER     (1UL << 2)
#define PTE_PWT	     (1UL << 3)
#define PTE_PCD	     (1UL << 4)
#define PTE_ACCESSED (1UL << 5)
#define PTE_DIRTY    (1UL << 6)
#define PTE_LARGE    (1UL << 7) /* in a directory; bit 7 of a 4 KiB entry is PTE_PAT */
#define PTE_PAT	     (1UL << 7)
#define PTE_GLOBAL   (1UL << 8)
#define PTE_SOFT1    (1UL << 9) /* free for software */
#define PTE_NX	     (1UL << 63)
#define PTE_ADDRESS  0x000ffffffffff000UL

/* PTE_NX where the processor has it, else 0. */
extern u64 pte_nx;

/* The machine's side of an address space. */
struct pmap {
	paddr_t root;		/* the top-level table (CR3) */
	struct cpumask active;	/* CPUs that have the root loaded, running or lazily */
	u64 flushes;		/* calls of tlb_shootdown(): a right that was taken away makes one */
	u64 table_frames;	/* frames that its user half's tables take, the root included */
};

extern struct pmap kernel_pmap; /* the kernel's half alone */

/* Replace the boot tables: direct map of all RAM in boot_info with large pages (NX), the image by
 * section (W^X), every top-level entry of the kernel's half filled so that all roots share them.
 * Boot CPU, once, before any other CPU runs. */
void paging_init(void);

/* Load the kernel's root on a CPU that has just started. */
void paging_init_cpu(void);

/* Remove the identity map of low memory, which the trampoline needs, once all CPUs are up.  The
 * caller flushes it: the addresses below BOOT_IDENTITY_END, on all CPUs. */
#define BOOT_IDENTITY_END (2UL << 20)
void paging_drop_identity(void);

/* A new root whose kernel half is the shared one.  0 or -ENOMEM. */
int pmap_init(struct pmap *pmap);

/* Free all tables of the user half, and the root.  The leaves must be clear already, and no CPU may
 * have the root loaded: pmap_destroy() sees to that. */
void pmap_tables_free(struct pmap *pmap);

/* Load `next`'s root on this CPU where it is another than the one loaded; both masks are updated.
 * Interrupts off.  `next` NULL (a kernel thread) leaves the present root (lazily).  Returns whether
 * CR3 was written. */
bool pmap_switch(struct pmap *next);

/* The 4 KiB-level entry for `address`, with tables made on the way where `create`.  NULL: no table
 * there, or (create) no memory.  Kernel areas with large pages give NULL. */
u64 *pmap_walk(struct pmap *pmap, u64 address, bool create);

/* First address >= `address` whose tables exist down to the last level (or `end`): to pass over
 * holes in large ranges quickly. */
u64 pmap_next_mapped(struct pmap *pmap, u64 address, u64 end);

/* Map one kernel page (KSTACK area) with `flags`.  0 or -ENOMEM.  The caller owns the area. */
int kernel_map_page(u64 address, paddr_t frame, u64 flags);

/* Unmap it and return its frame (0: none).  Other CPUs' TLBs are the caller's to flush
 * (tlb_flush_kernel_range()). */
paddr_t kernel_unmap_page(u64 address);

enum cache_type { CACHE_UNCACHED, CACHE_WRITE_COMBINING, CACHE_WRITE_BACK };

/* Map device memory (any alignment); never unmapped.  NULL where there is no room or no memory.
 * Can be called before kernel/mem is up, once paging_init() ran. */
void *mmio_map(paddr_t address, size_t size, enum cache_type cache);
