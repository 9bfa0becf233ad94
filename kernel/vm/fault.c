/* SPDX-License-Identifier: MIT
 *
 * Page faults: demand-zero, copy-on-write, pages of objects, stacks that grow.
 *
 * Faults of one address space run in parallel: each looks at the entry under page_table_lock, makes
 * a page without the lock, and puts it into the entry only if the entry is unchanged.  If it has
 * changed, another thread was faster, and the processor tries the access again.
 */
#include "kernel/vm/fault.h"

#include "arch/x86_64/cpu/percpu.h"
#include "arch/x86_64/pc/tlb.h"
#include "kernel/lib/abi.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/task/process.h"
#include "kernel/task/thread.h"
#include "kernel/vm/pages.h"

/* A read of a file's page also maps its neighbours that are in memory, within an aligned window of
 * this size. */
#define AROUND_PAGES (2U * TABLE_LINE)

/* Changed under page_table_lock, so that the thread stays on its CPU. */
DEFINE_PER_CPU(struct fault_stats, fault_counters);

/* An allocation has failed.  A thread that is being killed anyway only has to take its signal. */
static enum fault_result no_memory(void)
{
	return thread_interrupted(WAIT_KILLABLE) ? FAULT_SIGNAL : FAULT_NO_MEMORY;
}

/* Replace the entry `old` by one for `page`, which takes over the caller's reference.  `copied`:
 * the page is a copy, and not zero-filled (for the counters).  `generation`: the value of
 * vm_object.generation when the caller looked at the object, or NULL.  False, and nothing done: the
 * entry or the object has changed. */
static __always_inline bool replace_entry(struct region *r, u64 address, u64 *slot, u64 old,
					  struct page *page, bool copied, const u64 *generation)
{
	struct address_space *as = r->space;
	struct page *before = old ? pte_page(old) : NULL;
	bool same;

	spin_lock(&as->page_table_lock);
	/* The processor sets the accessed and dirty bits. */
	same = !((*slot ^ old) & ~(PTE_ACCESSED | PTE_DIRTY)) &&
	       (!generation ||
		*generation == __atomic_load_n(&r->object->generation, __ATOMIC_SEQ_CST));
	if (same) {
		/* Other threads of this space may still have the old frame in their TLBs.  First
		 * write 0, then flush, then write the new entry: otherwise one thread could write
		 * to the new frame while another still reads the old one.  Faults in between wait
		 * for page_table_lock.  After the flush the old frame may be freed. */
		if (old & PTE_PRESENT) {
			WRITE_ONCE(*slot, 0);
			tlb_shootdown(&as->pmap, address, address + PAGE_SIZE);
		}
		pte_set(slot, pte_make(r, page_to_phys(page), true));
		if (before)
			pte_count(r, before, -1);
		pte_count(r, page, 1);
		if (copied) {
			as->cow_copies++;
			this_cpu_ptr(fault_counters)->cow_copies++;
		} else {
			as->zero_fills++;
			this_cpu_ptr(fault_counters)->zeroed_pages++;
		}
	}
	spin_unlock(&as->page_table_lock);
	return same;
}

/* A write to a shared page, or to the zero page: the writer gets a copy.  `old` is the page of
 * `entry`, with a reference that this function drops, or NULL for the zero page. */
static enum fault_result fault_copy(struct region *r, u64 address, u64 *slot, u64 entry,
				    struct page *old)
{
	struct page *new;
	bool done;

	new = old ? page_alloc(0, PAGE_ANON) : page_alloc_zeroed(PAGE_ANON);
	if (!new) {
		if (old)
			page_put(old);
		return no_memory();
	}
	if (old)
		page_copy(page_to_virt(new), page_to_virt(old));
	done = replace_entry(r, address, slot, entry, new, old != NULL, NULL);
	if (!done)
		page_put(new);
	if (old && done)
		page_put(old); /* the reference that the old entry held */
	if (old)
		page_put(old); /* taken by fault_page() */
	return FAULT_DONE;
}

/* The first access to private memory: a read gets the zero page, a write a page of its own. */
static enum fault_result fault_anonymous(struct region *r, u64 address, u64 *slot, bool write)
{
	struct address_space *as = r->space;
	struct page *page;

	if (!write) {
		spin_lock(&as->page_table_lock);
		if (!*slot)
			pte_set(slot, pte_make(r, virt_to_phys(zero_page), false));
		spin_unlock(&as->page_table_lock);
		return FAULT_DONE;
	}
	page = page_alloc_zeroed(PAGE_ANON);
	if (!page)
		return no_memory();
	if (!replace_entry(r, address, slot, 0, page, false, NULL))
		page_put(page);
	return FAULT_DONE;
}

static enum fault_result object_error(int err)
{
	return err == -ENOMEM ? no_memory() : FAULT_BUS; /* the page lies beyond the end */
}

/* A write to a page of a private mapping that was not mapped yet: it is copied at once, instead of
 * being mapped read-only first. */
static enum fault_result fault_object_copy(struct region *r, u64 address, u64 *slot, u64 generation)
{
	u64 index = region_page(r, address);
	struct page *old, *new;
	/* One page, which is `index` itself.  A hole in the object is not filled for a mere copy:
	 * `old` is then NULL. */
	int err = vm_object_pages(r->object, index, 1, index, false, &old);

	if (err)
		return object_error(err);
	new = old ? page_alloc(0, PAGE_ANON) : page_alloc_zeroed(PAGE_ANON);
	if (new && old)
		page_copy(page_to_virt(new), page_to_virt(old));
	if (old)
		page_put(old);
	if (!new)
		return no_memory();
	if (!replace_entry(r, address, slot, 0, new, true, &generation))
		page_put(new);
	return FAULT_DONE;
}

/* Map the page of the object, and the pages around it that are in memory already. */
static __noinline enum fault_result fault_object(struct region *r, u64 address, u64 *slot,
						 bool write)
{
	struct address_space *as = r->space;
	struct vm_object *o = r->object;
	/* Read the generation first.  If the object is truncated from now on, either the comparison
	 * below fails, or the truncating thread comes later and unmaps the entries that we make. */
	u64 generation = __atomic_load_n(&o->generation, __ATOMIC_SEQ_CST);
	u64 window = ALIGN_DOWN(address, AROUND_PAGES * PAGE_SIZE);
	u64 start = MAX(window, r->start), end = MIN(window + AROUND_PAGES * PAGE_SIZE, r->end);
	u32 count = (u32)((end - start) >> PAGE_SHIFT), at = (u32)((address - start) >> PAGE_SHIFT);
	struct page *pages[AROUND_PAGES], *last = NULL;
	u64 entry = pte_make(r, 0, r->shared), neighbour = entry & ~(PTE_ACCESSED | PTE_DIRTY);
	u32 left = 0, mapped = 0;
	bool same;
	int err;

	if (write && !r->shared)
		return fault_object_copy(r, address, slot, generation);
	err =
	    vm_object_pages(o, region_page(r, start), count, region_page(r, address), true, pages);
	if (err)
		return object_error(err);
	if (!write)
		entry &= ~PTE_DIRTY;

	spin_lock(&as->page_table_lock);
	/* From the slot of `address` back to that of `start`: a window is aligned, so it lies in
	 * two lines of one table. */
	slot -= at;
	pte_note_line(slot);
	pte_note_line(slot + count - 1);
	same = generation == __atomic_load_n(&o->generation, __ATOMIC_SEQ_CST);
	for (u32 i = 0; i < count; i++) {
		struct page *p = pages[i];

		if (!p)
			continue;
		if (!same || slot[i]) {
			pages[left++] = p;
			continue;
		}
		/* A neighbour counts as not accessed: fork() need not copy its entry
		 * (fork_entries()). */
		WRITE_ONCE(slot[i], page_to_phys(p) | (i == at ? entry : neighbour));
		last = p;
		mapped++;
	}
	if (last)
		pte_count(r, last, (int)mapped);
	this_cpu_ptr(fault_counters)->object_faults += same;
	spin_unlock(&as->page_table_lock);
	while (left)
		page_put(pages[--left]);
	return FAULT_DONE;
}

/* There is an entry: a write to a shared page, or the TLB holds an older one. */
static __noinline enum fault_result fault_present(struct region *r, u64 address, u64 *slot,
						  bool write)
{
	struct address_space *as = r->space;
	bool reused = false;
	u64 entry;

	spin_lock(&as->page_table_lock);
	entry = *slot;
	if (entry && write && !(entry & PTE_WRITE)) {
		struct page *page = pte_page(entry);

		if (!pte_owned(r, page)) {
			if (page)
				page_get(page);
			spin_unlock(&as->page_table_lock);
			return fault_copy(r, address, slot, entry, page);
		}
		/* No other space shares the page any more. */
		WRITE_ONCE(*slot, pte_make(r, entry & PTE_ADDRESS, true));
		this_cpu_ptr(fault_counters)->cow_reuses++;
		reused = true;
	}
	spin_unlock(&as->page_table_lock);
	/* Our TLB may hold an older entry with fewer rights, since adding rights needs no
	 * shootdown.  Flush it here. */
	tlb_flush_page(address);
	return reused || !entry ? FAULT_DONE : FAULT_SPURIOUS;
}

enum fault_result fault_page(struct region *r, u64 address, bool write)
{
	struct address_space *as = r->space;
	u64 *slot;

	address = ALIGN_DOWN(address, PAGE_SIZE);
	/* A table is never freed while the space lives, so the slot stays valid without the lock.
	 * The functions below look at the entry again under the lock. */
	slot = pte_slot(as, address);
	if (slot && READ_ONCE(*slot))
		return fault_present(r, address, slot, write);
	if (!slot)
		slot = pages_table_make(as, address);
	if (!slot)
		return no_memory();
	return r->object ? fault_object(r, address, slot, write)
			 : fault_anonymous(r, address, slot, write);
}

/* Grow the stack above `address` down to it, within RLIMIT_STACK and RLIMIT_AS, and with a gap to
 * the region below.  True also if another thread has grown it already. */
static __noinline bool stack_grow(struct address_space *as, u64 address)
{
	u64 start = ALIGN_DOWN(address, PAGE_SIZE);
	struct region *r, *below;
	bool grown = false;

	rwlock_write_lock(&as->lock);
	r = region_find(as, address);
	if (r && r->start <= address) {
		grown = true;
	} else if (r && r->grows_down) {
		u64 gap = 0;

		below = region_prev(r);
		if (below && !below->grows_down && below->prot != PROT_NONE)
			gap = STACK_GUARD;
		grown = r->end - start <= current_limit(RLIMIT_STACK) &&
			(!below || below->end + gap <= start) &&
			regions_may_grow(r, r->start - start);
		if (grown)
			region_resize(r, start, r->end);
	}
	rwlock_write_unlock(&as->lock);
	return grown;
}

static bool access_allowed(const struct region *r, enum fault_access access)
{
	if (access & FAULT_WRITE)
		return r->prot & PROT_WRITE;
	if (access & FAULT_EXEC)
		return r->prot & PROT_EXEC;
	return r->prot != PROT_NONE; /* on x86 a page that may be written or run may be read */
}

enum fault_result address_space_fault(struct address_space *as, u64 address,
				      enum fault_access access)
{
	enum fault_result result;
	struct region *r;

	if (address < USER_MIN || address >= USER_MAX)
		return FAULT_MAPERR;
	for (;;) {
		bool grows;

		rwlock_read_lock(&as->lock);
		r = region_find(as, address);
		if (r && r->start <= address)
			break;
		grows = r && r->grows_down;
		rwlock_read_unlock(&as->lock);
		if (!grows || !stack_grow(as, address))
			return FAULT_MAPERR;
	}
	if (access_allowed(r, access))
		result = fault_page(r, address, access & FAULT_WRITE);
	else
		result = FAULT_ACCERR;
	rwlock_read_unlock(&as->lock);
	return result;
}
