/* SPDX-License-Identifier: MIT */

/* fork(): give the child the pages of one page table.  `slot` points to a table of the parent, `copy`
 * to that of the child for the same addresses; the entries from `i` up to `end` (not with it) are
 * yours, and empty in the child.  `to` is the child's region.  The page_table_lock of both spaces is held.  Afterwards both spaces map the same frames,
 * neither may write to them, and each frame counts one reference more (page_get()) and one page
 * more in the child (pte_count()).  Set *downgraded if an entry of the parent lost the right to
 * write: the caller then flushes the TLBs.  Entries that are 0 stay 0 in the child; the zero page
 * (pte_page() is NULL) has no references.  A page of a file that was not accessed yet
 * (PTE_ACCESSED) need not be copied. */
static void fork_entries(struct region *to, u64 *slot, u64 *copy, u64 i, u64 end, bool *downgraded)
{
	/* Here: the child gets no page at all, so it ends with its first access to its stack. */
}

/* A thread has written to a page that is shared, or to the zero page: it gets a copy of its own.
 * `entry` is the entry at `slot`, as it was when the fault was looked at; `old` is its page, with a
 * reference that this function drops, or NULL for the zero page.  replace_entry() puts the new page
 * into the entry and takes over the reference to it; it returns false if another thread has changed
 * the entry, and the fault is then done, too.  Returns FAULT_DONE, or no_memory() if there is no
 * frame. */
static enum fault_result fault_copy(struct region *r, u64 address, u64 *slot, u64 entry,
				    struct page *old)
{
	/* Here: no copy is made.  The program is killed for want of memory. */
	if (old)
		page_put(old);
	return no_memory();
}
