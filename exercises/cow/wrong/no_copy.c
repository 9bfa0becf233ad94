/* SPDX-License-Identifier: MIT
 *
 * The new page is zero-filled instead of copied.
 */

/* A write to a shared page, or to the zero page: the writer gets a copy.  `old` is the page of
 * `entry`, with a reference that this function drops, or NULL for the zero page. */
static enum fault_result fault_copy(struct region *r, u64 address, u64 *slot, u64 entry,
				    struct page *old)
{
	struct page *new;
	bool done;

	new = page_alloc_zeroed(PAGE_ANON);
	if (!new) {
		if (old)
			page_put(old);
		return no_memory();
	}
	done = replace_entry(r, address, slot, entry, new, old != NULL, NULL);
	if (!done)
		page_put(new);
	if (old && done)
		page_put(old); /* the reference that the old entry held */
	if (old)
		page_put(old); /* taken by fault_page() */
	return FAULT_DONE;
}
