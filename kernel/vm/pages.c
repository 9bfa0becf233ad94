/* SPDX-License-Identifier: MIT
 *
 * Ranges of page-table entries (pages.h).  Each loop holds page_table_lock for one piece of a table
 * at a time: nothing else runs on this CPU while it is held, and a table has many entries.
 * A loop that removes entries flushes the TLBs before it releases the lock (SDM 3A 4.10.5).  So if
 * a thread finds an entry empty, or frees its frame, no TLB has the old translation any more.
 */
#include "kernel/vm/pages.h"

#include "arch/x86_64/pc/tlb.h"
#include "kernel/sync/lockdep.h"
#include "kernel/vm/region.h"

#define TABLE_SPAN (512 * PAGE_SIZE) /* bytes that a table of the last level maps */
#define PIECE_SPAN (128 * PAGE_SIZE) /* a quarter of that: a piece */
#define ZAP_BATCH  64		     /* pages freed with one flush */

u64 *pages_table_make(struct address_space *as, u64 address)
{
	for (int tries = 0; tries < 16; tries++) {
		u64 *slot;
		struct page *p;

		spin_lock(&as->page_table_lock);
		slot = pmap_walk(&as->pmap, address, true);
		spin_unlock(&as->page_table_lock);
		if (slot)
			return slot;
		/* Under the spinlock the allocator could not call the shrinkers.  Let it do so
		 * here, and try again. */
		p = page_alloc(0, PAGE_TABLE);
		if (!p)
			return NULL;
		page_put(p);
	}
	return NULL;
}

u64 *pte_next(struct address_space *as, u64 *address, u64 end, u64 *stop)
{
	u64 *slot = pmap_next_slot(&as->pmap, address, end);

	*stop = MIN(end, ALIGN_DOWN(*address, PIECE_SPAN) + PIECE_SPAN);
	return slot;
}

void pages_zap(struct region *r, u64 start, u64 end, bool flush)
{
	struct address_space *as = r->space;

	while (start < end) {
		struct page *gone[ZAP_BATCH];
		/* [first, last) had entries: it is often much smaller than [start, end), and so is
		 * the flush. */
		u64 first = 0, last = 0, stop, *slot;
		u32 n = 0;

		spin_lock(&as->page_table_lock);
		slot = pte_next(as, &start, end, &stop);
		for (; slot && start < stop && n < ZAP_BATCH; start += PAGE_SIZE, slot++) {
			struct page *page;

			if (!*slot)
				continue;
			if (!last) {
				first = start;
				as->peak_resident = address_space_peak(as);
			}
			last = start + PAGE_SIZE;
			page = pte_page(*slot);
			if (page) {
				pte_count(r, page, -1);
				gone[n++] = page;
			}
			/* At once: until it is 0 the processor may set PTE_DIRTY. */
			if (r->shared && __atomic_exchange_n(slot, 0, __ATOMIC_RELAXED) & PTE_DIRTY)
				WRITE_ONCE(r->object->written, true);
			WRITE_ONCE(*slot, 0);
		}
		if (last && flush)
			tlb_shootdown(&as->pmap, first, last);
		spin_unlock(&as->page_table_lock);
		while (n)
			page_put(gone[--n]);
	}
}

void pages_unmap_object(struct object_mapping *mapping, u64 first_page)
{
	struct region *r = container_of(mapping, struct region, mapping);
	u64 start = r->start;

	if (first_page > r->object_page)
		start += MIN(first_page - r->object_page, (r->end - r->start) >> PAGE_SHIFT)
			 << PAGE_SHIFT;
	pages_zap(r, start, r->end, true);
}

/* Does the new entry forbid what the old one allowed? */
static bool rights_lost(u64 old, u64 new)
{
	return (old & ~new & (PTE_PRESENT | PTE_WRITE)) || (new & ~old & PTE_NX);
}

void pages_protect(struct region *r, u64 start, u64 end)
{
	struct address_space *as = r->space;
	bool downgraded = false;
	u64 a = start, stop, *slot;

	while ((slot = pte_next(as, &a, end, &stop))) {
		spin_lock(&as->page_table_lock);
		for (; a < stop; a += PAGE_SIZE, slot++) {
			u64 old = *slot, new;

			if (!old)
				continue;
			do { /* the processor may set the dirty bit at any time */
				new = pte_make(r, old & PTE_ADDRESS, pte_owned(r, pte_page(old)));
				if (r->shared) /* whether it was written, for pages_zap() */
					new = (new & ~PTE_DIRTY) | (old & PTE_DIRTY);
			} while (!__atomic_compare_exchange_n(slot, &old, new, false, __ATOMIC_RELAXED,
							      __ATOMIC_RELAXED));
			downgraded |= (old & PTE_PRESENT) && rights_lost(old, new);
		}
		spin_unlock(&as->page_table_lock);
	}
	if (downgraded)
		tlb_shootdown(&as->pmap, start, end);
}

/* The entries [i, end) of a table and of its copy: one piece.  The page_table_lock of both spaces is
 * held. */
static void fork_entries(struct region *to, u64 *slot, u64 *copy, u64 i, u64 end, bool *downgraded)
{
	for (; i < end; i++) {
		u64 entry = slot[i];
		struct page *page = entry ? pte_page(entry) : NULL;

		if (!entry && i % TABLE_LINE == 0 && !(*table_lines(slot) >> i / TABLE_LINE & 1))
			i += TABLE_LINE - 1; /* no entry of the line was ever there */
		/* A page of a file that was never accessed was mapped only as a neighbour of
		 * another one (fault_object()).  The child maps it when it needs it. */
		if (!entry || (page && page->use != PAGE_ANON && !(entry & PTE_ACCESSED)))
			continue;
		if (entry & PTE_WRITE) {
			entry &= ~PTE_WRITE;
			WRITE_ONCE(slot[i], entry);
			*downgraded = true;
		}
		if (page) {
			page_get(page);
			pte_count(to, page, 1);
		}
		WRITE_ONCE(copy[i], entry);
	}
	*table_lines(copy) |= *table_lines(slot); /* as pte_set() would, and perhaps more */
}

bool pages_fork(struct region *from, struct region *to, struct fork_progress *p)
{
	struct address_space *parent = from->space, *child = to->space;
	u64 stop, *slot;

	for (u64 a = from->start; a < from->end; a = stop) {
		if (a - p->base >= TABLE_SPAN) {
			slot = pmap_next_slot(&parent->pmap, &a, from->end);
			if (!slot)
				break;
			p->base = ALIGN_DOWN(a, TABLE_SPAN);
			p->slots = slot - ((a - p->base) >> PAGE_SHIFT);
			p->copies = pages_table_make(child, p->base);
			if (!p->copies)
				return false;
		}
		stop = MIN(from->end, ALIGN_DOWN(a, PIECE_SPAN) + PIECE_SPAN);
		/* Lock order: parent, then child.  Nothing else can hold both, since the child is
		 * not visible yet.  The lock of the child is needed because a truncation can reach
		 * its entries through the object. */
		spin_lock(&parent->page_table_lock);
		spin_lock_nested(&child->page_table_lock);
		fork_entries(to, p->slots, p->copies, (a - p->base) >> PAGE_SHIFT,
			     (stop - p->base) >> PAGE_SHIFT, &p->downgraded);
		spin_unlock(&child->page_table_lock);
		spin_unlock(&parent->page_table_lock);
	}
	return true;
}
