/* SPDX-License-Identifier: MIT
 *
 * fork() copies each page at once, as kernels did before copy-on-write.
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
		if (page && page->use == PAGE_ANON && (entry & PTE_WRITE)) {
			struct page *new = page_alloc(0, PAGE_ANON);

			if (!new)
				continue;
			page_copy(page_to_virt(new), page_to_virt(page));
			entry = (entry & ~PTE_ADDRESS) | page_to_phys(new);
			pte_count(to, new, 1);
		} else if (page) {
			page_get(page);
			pte_count(to, page, 1);
		}
		WRITE_ONCE(copy[i], entry);
	}
}
