/* SPDX-License-Identifier: MIT
 *
 * Page tables (SDM 3A chapter 4): walking, creating and freeing them, and which CPUs have a root
 * loaded.  The callers lock: entries of a user half belong to the page_table_lock of its address
 * space, and entries of the kernel's half to the room that uses the area.
 */
#pragma once

#include "kernel/lib/base.h"
#include "kernel/lib/cpumask.h"
#include "kernel/mem/page.h"

#define PTE_PRESENT  (1UL << 0)
#define PTE_WRITE    (1UL << 1)
#define PTE_USER     (1UL << 2)
#define PTE_PWT	     (1UL << 3)
#define PTE_PCD	     (1UL << 4)
#define PTE_ACCESSED (1UL << 5)
#define PTE_DIRTY    (1UL << 6)
#define PTE_LARGE    (1UL << 7) /* in a directory; in a 4 KiB entry, bit 7 is a part of its memory type */
#define PTE_GLOBAL   (1UL << 8)
#define PTE_SOFT1    (1UL << 9) /* free for software */
#define PTE_NX	     (1UL << 63)
#define PTE_ADDRESS  0x000ffffffffff000UL

/* PTE_NX if the processor has it, else 0. */
extern u64 pte_nx;

/* The page tables of an address space. */
struct pmap {
	paddr_t root;	       /* the top-level table (CR3) */
	struct cpumask active; /* CPUs that have the root in CR3, lazily or not */
	u64 flushes;	       /* calls of tlb_shootdown(); each time rights are removed */
	u64 table_frames;      /* frames of the tables of the user half, and the root */
};

extern struct pmap kernel_pmap; /* has a kernel half only */

extern u8 zero_page[]; /* one page, mapped where private memory was only read; not counted */

/* Replace the boot tables.  Maps all RAM of boot_info in the direct map with large pages (NX), and
 * each section of the image with its own rights (W^X).  Fills every top-level entry of the kernel's
 * half that will be used, so that all roots share the tables below.  On the boot CPU, once, before
 * any other CPU runs. */
void paging_init(void);

/* Load the kernel's root on the calling CPU, which has just started. */
void paging_init_cpu(void);

/* Remove the identity map of low memory, which boot.S has made, after all CPUs have started.  The
 * caller must then flush the addresses below BOOT_IDENTITY_END on all CPUs. */
#define BOOT_IDENTITY_END (5UL << 30) /* early_screen.c adds the fifth GiB */
void paging_drop_identity(void);

#define TABLE_LINE 8 /* entries of a table in a cache line */

/* Returns the word table_lines of the table in which `slot` is.  Its bit n says that line n has ever had
 * an entry: the end of a space and fork() do not look at the other lines. */
static inline u64 *table_lines(const u64 *slot)
{
	return &page_array[((u64)slot - DIRECT_MAP_BASE) >> PAGE_SHIFT].table_lines;
}

/* Note that the line of `slot`, in a table of a user half, gets entries.  Under the lock of these. */
static inline void pte_note_line(u64 *slot)
{
	*table_lines(slot) |= 1UL << (u64)slot % PAGE_SIZE / (TABLE_LINE * sizeof(*slot));
}

/* Write an entry that is not 0 to a table of a user half.  Under the lock of the entries. */
static inline void pte_set(u64 *slot, u64 entry)
{
	pte_note_line(slot);
	WRITE_ONCE(*slot, entry);
}

/* Allocate a root whose kernel half is the shared one.  Returns 0 or -ENOMEM. */
int pmap_init(struct pmap *pmap);

/* Free all tables of the user half, and the root, and drop the references of the pages that are
 * still mapped.  Returns the number of these.  No CPU may have the root loaded.  Only
 * pmap_destroy() calls this. */
u64 pmap_tables_free(struct pmap *pmap);

/* Load the root of `next` on this CPU unless it is loaded already, and update both masks of CPUs.
 * `next` NULL (a kernel thread): keep the present root lazily.  Returns whether CR3 was written.
 * Interrupts off. */
bool pmap_switch(struct pmap *next);

/* Returns the lowest-level (4 KiB) entry for `address`.  `create`: make missing tables on the way.
 * NULL: there is no such table, or (with `create`) no memory, or a large page maps the address. */
u64 *pmap_walk(struct pmap *pmap, u64 address, bool create);

/* Returns the lowest-level entry for the first address from *address on that has tables down to the
 * last level, and sets *address to it.  NULL: there is none before `end`.  Callers use it to skip
 * holes in large ranges quickly.  The tables must not contain large pages. */
u64 *pmap_next_slot(struct pmap *pmap, u64 *address, u64 end);

/* Map one kernel page with `flags`.  Returns 0 or -ENOMEM.  The caller owns the area of `address`.
 */
int kernel_map_page(u64 address, paddr_t frame, u64 flags);

/* Unmap a kernel page and return its frame (0: none was mapped).  The caller must flush the TLBs
 * (tlb_flush_kernel_range()) before it frees the frame. */
paddr_t kernel_unmap_page(u64 address);

enum cache_type { CACHE_UNCACHED, CACHE_WRITE_COMBINING, CACHE_WRITE_BACK };

/* Map device memory (any alignment); it is never unmapped.  Returns NULL if there is no room or no
 * memory.  Any time after paging_init(), even before kernel/mem works. */
void *mmio_map(paddr_t address, size_t size, enum cache_type cache);
