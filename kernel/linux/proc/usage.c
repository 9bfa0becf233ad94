/* SPDX-License-Identifier: MIT
 *
 * Walks over the page tables of an address space (usage.h), one table at a time, under
 * page_table_lock: as long as it is held, a PTE keeps its page from being freed.
 */
#include "kernel/linux/proc/usage.h"

#include "kernel/lib/string.h"
#include "kernel/vm/pages.h"
#include "kernel/vm/region.h"

/* The number of mappings of a page, from its reference count.  An object has one reference to each
 * of its pages.  Code that is copying a page has one, too, so the result may be too high for a
 * moment. */
static u32 mappings_of(const struct page *page)
{
	u32 refs = page_refs(page), others = page->use != PAGE_ANON;

	return refs > others ? refs - others : 1;
}

static u64 pagemap_entry(u64 pte)
{
	const struct page *page = pte ? pte_page(pte) : NULL;

	if (!pte)
		return 0;
	return PAGEMAP_PRESENT | (pte & PTE_ADDRESS) >> PAGE_SHIFT |
	       (page && page->use != PAGE_ANON ? PAGEMAP_OBJECT : 0) |
	       (page && mappings_of(page) == 1 ? PAGEMAP_EXCLUSIVE : 0);
}

void usage_pagemap(struct address_space *as, u64 address, u64 *entries, u32 count)
{
	u64 at = address, end = address + count * PAGE_SIZE, stop, *slot;

	memset(entries, 0, count * sizeof(*entries));
	do {
		spin_lock(&as->page_table_lock);
		slot = pte_next(as, &at, end, &stop);
		for (; slot && at < stop; at += PAGE_SIZE, slot++)
			entries[(at - address) >> PAGE_SHIFT] = pagemap_entry(*slot);
		spin_unlock(&as->page_table_lock);
	} while (slot);
}

/* Add one page.  There is no swap, so an anonymous page always counts as dirty. */
static void page_usage_add(const struct page *page, u64 pte, struct region_usage *u)
{
	bool anonymous = page->use == PAGE_ANON, dirty = anonymous || pte & PTE_DIRTY;
	u32 mappings = mappings_of(page);
	u64 *kind = mappings > 1 ? (dirty ? &u->shared_dirty : &u->shared_clean)
				 : (dirty ? &u->private_dirty : &u->private_clean);

	*kind += PAGE_SIZE;
	u->resident += PAGE_SIZE;
	u->proportional += PAGE_SIZE / mappings;
	u->anonymous += anonymous ? PAGE_SIZE : 0;
	u->anonymous_alone += anonymous && mappings == 1 ? PAGE_SIZE : 0;
}

void region_usage_add(struct region *r, struct region_usage *usage)
{
	struct address_space *as = r->space;
	u64 at = r->start, stop, *slot, before = usage->proportional;

	do {
		spin_lock(&as->page_table_lock);
		slot = pte_next(as, &at, r->end, &stop);
		for (; slot && at < stop; at += PAGE_SIZE, slot++) {
			const struct page *page = *slot ? pte_page(*slot) : NULL;

			if (page)
				page_usage_add(page, *slot, usage);
		}
		spin_unlock(&as->page_table_lock);
	} while (slot);
	if (r->advice & REGION_LOCKED)
		usage->locked += usage->proportional - before;
}

int address_space_for_each(struct address_space *as, int (*fn)(struct region *region, void *data),
			   void *data)
{
	int result = 0;

	rwlock_read_lock(&as->lock);
	for (struct region *r = region_find(as, 0); r && !result; r = region_next(r))
		result = fn(r, data);
	rwlock_read_unlock(&as->lock);
	return result;
}
