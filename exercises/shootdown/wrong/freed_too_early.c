/* SPDX-License-Identifier: MIT
 *
 * Wrong: the frames are freed before the TLBs are flushed.
 */
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
			if (!last)
				first = start;
			last = start + PAGE_SIZE;
			page = pte_page(*slot);
			if (page) {
				pte_count(r, page, -1);
				gone[n++] = page;
			}
			if (r->object && r->shared && *slot & PTE_DIRTY)
				WRITE_ONCE(r->object->written, true);
			WRITE_ONCE(*slot, 0);
		}
		while (n)
			page_put(gone[--n]);
		if (last && flush)
			tlb_shootdown(&as->pmap, first, last);
		spin_unlock(&as->page_table_lock);
	}
}
