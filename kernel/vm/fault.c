/* SPDX-License-Identifier: MIT
 *
 * Page faults: demand-zero, copy-on-write, pages of objects, stacks that grow.
 *
 * Faults of one space run side by side: each looks at the entry under page_table_lock, makes a page
 * without it, and puts that in only if the entry is still what it was.  Else somebody was faster,
 * and the access is simply tried again.
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

/* A read of a file's page maps those of its neighbours that are in memory, in a window of this. */
#define AROUND_PAGES 16U

/* Counted under page_table_lock: no switch to another CPU in between. */
static DEFINE_PER_CPU(struct fault_stats, fault_counters);

static enum fault_result no_memory(void)
{
	return thread_interrupted(WAIT_KILLABLE) ? FAULT_SIGNAL : FAULT_NO_MEMORY;
}

/* Is this the same entry, but for what the processor writes into it? */
static bool same_entry(u64 a, u64 b)
{
	return !((a ^ b) & ~(PTE_ACCESSED | PTE_DIRTY));
}

/* Put `page` where `old` is; its reference goes over to the entry.  `generation`: of the object, or
 * NULL.  False: the entry, or the object, has changed. */
static bool replace_entry(struct region *r, u64 address, u64 *slot, u64 old, struct page *page,
			  const u64 *generation)
{
	struct address_space *as = r->space;
	struct page *before = old ? pte_page(old) : NULL;
	bool same;

	spin_lock(&as->page_table_lock);
	same = same_entry(*slot, old) &&
	       (!generation ||
		*generation == __atomic_load_n(&r->object->generation, __ATOMIC_SEQ_CST));
	if (same) {
		/* Another CPU may read the old frame through its TLB.  It must have forgotten it
		 * before a third can write to the new one, so the entry is empty meanwhile (and
		 * whoever faults waits for the lock); and before the frame becomes something else.
		 */
		if (old & PTE_PRESENT) {
			WRITE_ONCE(*slot, 0);
			tlb_shootdown(&as->pmap, address, address + PAGE_SIZE);
		}
		WRITE_ONCE(*slot, pte_make(r, page_to_phys(page)));
		pte_count(r, page, 1);
		if (before)
			pte_count(r, before, -1);
		if (before || generation) {
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

/* A write to a page that others share too, or to the zero page: the writer gets a copy.  Called
 * with page_table_lock held, which it gives up. */
static enum fault_result fault_copy(struct region *r, u64 address, u64 *slot, u64 entry)
{
	struct address_space *as = r->space;
	struct page *old = pte_page(entry), *new;
	bool done;

	if (old)
		page_get(old);
	spin_unlock(&as->page_table_lock);
	new = old ? page_alloc(0, PAGE_ANON) : page_alloc_zeroed(PAGE_ANON);
	if (!new) {
		if (old)
			page_put(old);
		return no_memory();
	}
	if (old)
		page_copy(page_to_virt(new), page_to_virt(old));
	done = replace_entry(r, address, slot, entry, new, NULL);
	if (!done)
		page_put(new);
	if (old) {
		page_put(old);
		if (done)
			page_put(old); /* the entry's */
	}
	return FAULT_DONE;
}

/* The first touch of private memory: a read sees the zero page, a write gets a page of its own. */
static enum fault_result fault_anonymous(struct region *r, u64 address, u64 *slot, bool write)
{
	struct address_space *as = r->space;
	struct page *page;

	if (!write) {
		spin_lock(&as->page_table_lock);
		if (!*slot)
			WRITE_ONCE(*slot, pte_make(r, zero_frame()));
		spin_unlock(&as->page_table_lock);
		return FAULT_DONE;
	}
	page = page_alloc_zeroed(PAGE_ANON);
	if (!page)
		return no_memory();
	if (!replace_entry(r, address, slot, 0, page, NULL))
		page_put(page);
	return FAULT_DONE;
}

static enum fault_result object_error(int err)
{
	return err == -ENOMEM ? no_memory() : FAULT_BUS; /* beyond the end, or no room in it */
}

/* A write to a private mapping's page that was not there: copied at once. */
static enum fault_result fault_object_copy(struct region *r, u64 address, u64 *slot, u64 generation)
{
	u64 index = region_page(r, address);
	struct page *old, *new;
	int err = vm_object_pages(r->object, index, 1, index, false, &old);

	if (err)
		return object_error(err);
	new = old ? page_alloc(0, PAGE_ANON) : page_alloc_zeroed(PAGE_ANON);
	if (new &&old)
		page_copy(page_to_virt(new), page_to_virt(old));
	if (old)
		page_put(old);
	if (!new)
		return no_memory();
	if (!replace_entry(r, address, slot, 0, new, &generation))
		page_put(new);
	return FAULT_DONE;
}

/* Map the object's own page, and those around it that are in memory already. */
static enum fault_result fault_object(struct region *r, u64 address, u64 *slot, bool write)
{
	struct address_space *as = r->space;
	struct vm_object *o = r->object;
	/* Before the object is looked at.  If it is cut meanwhile, either we see another number
	 * below, or whoever cuts it finds our entries when he takes them out. */
	u64 generation = __atomic_load_n(&o->generation, __ATOMIC_SEQ_CST);
	u64 window = ALIGN_DOWN(address, AROUND_PAGES * PAGE_SIZE);
	u64 start = MAX(window, r->start), end = MIN(window + AROUND_PAGES * PAGE_SIZE, r->end);
	u32 count = (u32)((end - start) >> PAGE_SHIFT);
	struct page *pages[AROUND_PAGES];
	int err;

	if (write && !r->shared)
		return fault_object_copy(r, address, slot, generation);
	err =
	    vm_object_pages(o, region_page(r, start), count, region_page(r, address), true, pages);
	if (err)
		return object_error(err);

	spin_lock(&as->page_table_lock);
	slot -= (address - start) >> PAGE_SHIFT; /* the window lies in one table */
	if (generation == __atomic_load_n(&o->generation, __ATOMIC_SEQ_CST)) {
		for (u32 i = 0; i < count; i++) {
			u64 entry;

			if (!pages[i] || slot[i])
				continue;
			entry = pte_make(r, page_to_phys(pages[i]));
			if (start + i * PAGE_SIZE != address)
				entry &= ~PTE_ACCESSED;
			WRITE_ONCE(slot[i], entry);
			pte_count(r, pages[i], 1);
			pages[i] = NULL;
		}
		this_cpu_ptr(fault_counters)->object_faults++;
	}
	spin_unlock(&as->page_table_lock);
	for (u32 i = 0; i < count; i++)
		if (pages[i])
			page_put(pages[i]);
	return FAULT_DONE;
}

enum fault_result fault_page(struct region *r, u64 address, bool write)
{
	struct address_space *as = r->space;
	bool reused = false;
	u64 *slot, entry;

	address = ALIGN_DOWN(address, PAGE_SIZE);
	spin_lock(&as->page_table_lock);
	slot = pte_slot(as, address);
	entry = slot ? *slot : 0;
	if (entry && write && !(entry & PTE_WRITE)) {
		if (!pte_owned(r, pte_page(entry)))
			return fault_copy(r, address, slot, entry);
		/* The others that shared it are gone. */
		WRITE_ONCE(*slot, pte_make(r, entry & PTE_ADDRESS));
		this_cpu_ptr(fault_counters)->cow_reuses++;
		reused = true;
	}
	spin_unlock(&as->page_table_lock);
	if (entry) {
		/* This CPU may have met an old entry in its TLB: others that gave more rights did
		 * not flush ours. */
		tlb_flush_page(address);
		return reused ? FAULT_DONE : FAULT_SPURIOUS;
	}
	/* Tables stay: the slot is found once. */
	if (!slot)
		slot = pages_table_make(as, address);
	if (!slot)
		return no_memory();
	return r->object ? fault_object(r, address, slot, write)
			 : fault_anonymous(r, address, slot, write);
}

/* Let the stack above `address` reach down to it, within RLIMIT_STACK and RLIMIT_AS, and not up to
 * its neighbour.  True also where another thread did. */
static bool stack_grow(struct address_space *as, u64 address)
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
			regions_may_grow(as, r->start - start);
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
	return r->prot != PROT_NONE; /* x86 cannot map what may be written or run but not read */
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

struct fault_stats fault_stats_read(void)
{
	struct fault_stats sum;

	per_cpu_sum(fault_counters, &sum);
	return sum;
}
