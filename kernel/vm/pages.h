/* SPDX-License-Identifier: MIT
 *
 * The last-level page-table entries (PTEs) of an address space.  Private to kernel/vm.
 *
 * An entry is 0 (no page yet), present, or, in a PROT_NONE region, not present but with the address
 * of its frame.  Each entry holds a reference to its page; the zero page is not counted.  Entries
 * and counters change under page_table_lock.  Tables, once made, are freed with the space.
 */
#pragma once

#include "kernel/vm/address_space.h"

/* The page of an entry; NULL: the zero page. */
static inline struct page *pte_page(u64 entry)
{
	paddr_t frame = entry & PTE_ADDRESS;

	return frame == virt_to_phys(zero_page) ? NULL : &page_array[frame >> PAGE_SHIFT];
}

/* May a write through `r` change `page`?  False: the page must be copied first. */
static inline bool pte_owned(const struct region *r, const struct page *page)
{
	return r->shared || (page && page->use == PAGE_ANON && page_refs(page) == 1);
}

#define PTE_HELD PTE_SOFT1 /* not present, because of PROT_NONE; the frame is kept */

/* An entry for a frame, with all rights that the protection of the region allows and, for writing,
 * that need no copy.  `owned`: pte_owned() of its page. */
static inline u64 pte_make(const struct region *r, paddr_t frame, bool owned)
{
	u64 entry = frame | PTE_USER | PTE_ACCESSED;

	if (r->prot == PROT_NONE)
		return entry | PTE_HELD;
	entry |= PTE_PRESENT;
	if (!(r->prot & PROT_EXEC))
		entry |= pte_nx;
	if ((r->prot & PROT_WRITE) && owned)
		entry |= PTE_WRITE | PTE_DIRTY;
	return entry;
}

/* Add `n`, which may be negative, to the counter of resident pages of this kind.  A caller that
 * unmaps pages updates peak_resident first.  Under page_table_lock. */
static inline void pte_count(const struct region *r, const struct page *page, int n)
{
	struct address_space *as = r->space;

	assert_held(&as->page_table_lock);
	if (page->use == PAGE_ANON)
		as->resident_anon += (u64)(s64)n;
	else if (r->file)
		as->resident_file += (u64)(s64)n;
	else
		as->resident_shared += (u64)(s64)n;
}

/* The place of the entry in its table, or NULL if that table does not exist.  The place stays, but
 * what is there changes under page_table_lock. */
static inline u64 *pte_slot(struct address_space *as, u64 address)
{
	return pmap_walk(&as->pmap, address, false);
}

/* The slots of the next piece of a table that exists, for a walk from *address to `end`: *address
 * is set to the address of the first slot, *stop to the end of the piece or of the range.  A piece
 * is short enough to be handled under page_table_lock.  NULL: there is no further table. */
u64 *pte_next(struct address_space *as, u64 *address, u64 end, u64 *stop);

/* Make the tables for `address`, and return its slot.  NULL: no memory.  The caller holds no
 * spinlock; sleeps. */
u64 *pages_table_make(struct address_space *as, u64 address);

/* The caller of the functions below holds as->lock for writing; for pages_zap() it is enough to
 * hold it for reading or, if the region is in the list of mappings of an object, mappings_lock; or
 * to be the last user of the space.  All sleep. */

/* Unmap the pages in [start, end) and drop their references.  `flush` false: the space is being
 * freed, and no thread can use its translations any more. */
void pages_zap(struct region *r, u64 start, u64 end, bool flush);

/* object_mapping.unmap of a region: the object is truncated at `first_page`. */
void pages_unmap_object(struct object_mapping *mapping, u64 first_page);

/* Change the rights of the entries in [start, end) to what r->prot allows now. */
void pages_protect(struct region *r, u64 start, u64 end);

/* How far a fork has come. */
struct fork_progress {
	bool downgraded; /* writable entries have become read-only: the caller must flush the TLB */
	u64 base, *slots, *copies; /* the last table: the first address that it maps; both tables */
};

/* Share the pages of `from` with its copy `to` in a new space.  Writable entries become read-only,
 * so that the next write copies the page.  The caller calls it for the regions of the space in their
 * order, at first with base USER_MAX.  False: no memory. */
bool pages_fork(struct region *from, struct region *to, struct fork_progress *progress);
