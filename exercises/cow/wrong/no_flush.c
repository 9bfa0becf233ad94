/* SPDX-License-Identifier: MIT
 *
 * The parent loses the right to write, but no TLB is flushed: its threads write on through old
 * entries.
 */

/* The `count` entries of one table.  The page_table_lock of both spaces is held. */
static void fork_entries(struct region *to, u64 *slot, u64 *copy, u64 count, bool *downgraded)
{
	for (u64 i = 0; i < count; i++) {
		u64 entry = slot[i];
		struct page *page = entry ? pte_page(entry) : NULL;

		/* A page of a file that was never accessed was mapped only as a neighbour of
		 * another one (fault_object()).  The child maps it when it needs it. */
		if (!entry || (page && page->use != PAGE_ANON && !(entry & PTE_ACCESSED)))
			continue;
		if (entry & PTE_WRITE) {
			entry &= ~PTE_WRITE;
			WRITE_ONCE(slot[i], entry);
		}
		if (page) {
			page_get(page);
			pte_count(to, page, 1);
		}
		WRITE_ONCE(copy[i], entry);
	}
}
