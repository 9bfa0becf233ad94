/* SPDX-License-Identifier: MIT
 *
 * The leaf entries of an address space's page tables.  Private to kernel/vm.
 *
 * An entry is 0 (nothing there yet), present, or, in a PROT_NONE region, not present but still
 * naming its frame.  Each entry holds a reference on its page, but for the zero page.  Entries and
 * counters change under page_table_lock; tables, once made, stay until the space goes.
 */
#pragma once

#include "kernel/vm/address_space.h"

/* The page behind an entry; NULL: the zero page, which untouched private memory reads as. */
struct page *pte_page(u64 entry);
paddr_t zero_frame(void);

/* May a write go to `page` in `r`, or must it be copied first? */
bool pte_owned(const struct region *r, const struct page *page);

/* The entry for a frame, with all that the region's protection allows at once. */
u64 pte_make(const struct region *r, paddr_t frame);

/* Count a page in (1) or out (-1). */
void pte_count(const struct region *r, const struct page *page, int sign);

/* The entry's slot, or NULL where its table is missing.  Under page_table_lock. */
u64 *pte_slot(struct address_space *as, u64 address);

/* The slots of the next table that exists: *address goes to the first, *stop to the end of the
 * table or of the range.  NULL: no more.  Under page_table_lock. */
u64 *pte_next(struct address_space *as, u64 *address, u64 end, u64 *stop);

/* Make the tables for `address`, and return its slot.  NULL: no memory.  Sleeps, no lock held. */
u64 *pages_table_make(struct address_space *as, u64 address);

/* These want as->lock for writing, but for pages_zap(), for which reading or, for a region in an
 * object's list of mappings, mappings_lock will do.  All sleep. */

/* Take the pages in [start, end) out and let them go.  `flush` false: nobody runs here any more. */
void pages_zap(struct region *r, u64 start, u64 end, bool flush);

/* object_mapping.unmap of regions. */
void pages_unmap_object(struct object_mapping *mapping, u64 first_page);

/* Make the entries in [start, end) what r->prot now says. */
void pages_protect(struct region *r, u64 start, u64 end);

/* Share the pages of `from` with its copy `to` in a new space; what could be written is from now on
 * copied by whoever writes.  False: no memory.  *downgraded is set where the TLB must be flushed.
 */
bool pages_fork(struct region *from, struct region *to, bool *downgraded);

/* Move `length` bytes of pages at from->start to to->start.  False, and nothing done: no memory. */
bool pages_move(struct region *from, u64 old_start, struct region *to, u64 length);
