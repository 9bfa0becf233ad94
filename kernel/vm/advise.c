/* SPDX-License-Identifier: MIT
 *
 * madvise(2), msync(2), mlock(2) as far as it makes pages present, and mincore(2).
 */
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/sched/thread.h"
#include "kernel/vm/pages.h"
#include "kernel/vm/region.h"

static bool advice_known(int advice)
{
	switch (advice) {
	case MADV_NORMAL:
	case MADV_RANDOM:
	case MADV_SEQUENTIAL:
	case MADV_WILLNEED:
	case MADV_DONTNEED:
	case MADV_FREE:
	case MADV_DONTFORK:
	case MADV_DOFORK:
	case MADV_HUGEPAGE:
	case MADV_NOHUGEPAGE:
	case MADV_DONTDUMP:
	case MADV_DODUMP:
	case MADV_WIPEONFORK:
	case MADV_KEEPONFORK:
		return true;
	}
	return false;
}

/* Advice that becomes a mark on regions. */
static bool advice_marks(int advice)
{
	return advice == MADV_DONTFORK || advice == MADV_DOFORK || advice == MADV_WIPEONFORK ||
	       advice == MADV_KEEPONFORK;
}

/* Advice on [start, end) of a region, the whole of it where the advice marks.  What is not named
 * here needs nothing done: there is neither swap nor a disk to read ahead from. */
static int advise_region(struct region *r, u64 start, u64 end, int advice)
{
	bool private_memory = !r->shared && !r->object;

	switch (advice) {
	case MADV_FREE:
		if (!private_memory)
			return -EINVAL;
		/* fall through */
	case MADV_DONTNEED:
		pages_zap(r, start, end, true);
		break;
	case MADV_DONTFORK:
	case MADV_DOFORK:
		r->dont_fork = advice == MADV_DONTFORK;
		break;
	case MADV_WIPEONFORK:
	case MADV_KEEPONFORK:
		if (!private_memory && advice == MADV_WIPEONFORK)
			return -EINVAL;
		r->wipe_on_fork = advice == MADV_WIPEONFORK;
		break;
	}
	return 0;
}

/* Do the regions cover [start, end) without a hole?  as->lock is held. */
static bool covered(struct address_space *as, u64 start, u64 end)
{
	struct region *r;

	for (r = region_find(as, start); r && r->start <= start; r = region_next(r)) {
		start = r->end;
		if (start >= end)
			return true;
	}
	return start >= end;
}

int address_space_advise(struct address_space *as, u64 address, u64 length, int advice)
{
	struct list dead = LIST_INIT(dead);
	struct region *r;
	int err = 0;
	u64 end;

	if (!advice_known(advice) || !range_check(address, length, &end))
		return -EINVAL;
	if (!length)
		return 0;
	rwlock_write_lock(&as->lock);
	if (advice_marks(advice) && (regions_cut(as, address) || regions_cut(as, end)))
		err = -ENOMEM;
	/* Holes are passed over, and told at the end (madvise(2)). */
	for (r = region_find(as, address); !err && r && r->start < end; r = region_next(r))
		err = advise_region(r, MAX(r->start, address), MIN(r->end, end), advice);
	if (!err && !covered(as, address, end))
		err = -ENOMEM;
	regions_merge(as, address, end, &dead);
	rwlock_write_unlock(&as->lock);
	regions_free(&dead);
	return err;
}

/* Objects are memory: there is nothing to write back, only arguments to check. */
int address_space_sync(struct address_space *as, u64 address, u64 length, int flags)
{
	bool ok;
	u64 end;

	if ((flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) || address % PAGE_SIZE ||
	    ((flags & MS_ASYNC) && (flags & MS_SYNC)))
		return -EINVAL;
	if (!range_check(address, length, &end))
		return -ENOMEM;
	rwlock_read_lock(&as->lock);
	ok = covered(as, address, end);
	rwlock_read_unlock(&as->lock);
	return ok ? 0 : -ENOMEM;
}

int address_space_populate(struct address_space *as, u64 address, u64 length)
{
	u64 end, a = ALIGN_DOWN(address, PAGE_SIZE);

	if (length > USER_MAX || !range_check(a, length + (address - a), &end))
		return -ENOMEM;
	while (a < end) {
		enum fault_access access = FAULT_READ;
		struct region *r;

		/* Private pages that may be written are made by a write, so that none of them has
		 * to be copied later. */
		rwlock_read_lock(&as->lock);
		r = region_at(as, a);
		if (r && !r->shared && (r->prot & PROT_WRITE))
			access = FAULT_WRITE;
		rwlock_read_unlock(&as->lock);
		if (!r)
			return -ENOMEM;
		switch (address_space_fault(as, a, access, a)) {
		case FAULT_DONE:
			break;
		case FAULT_NO_MEMORY:
			return -EAGAIN;
		case FAULT_SIGNAL:
			return -EINTR;
		default:
			return -ENOMEM;
		}
		if (thread_interrupted(WAIT_KILLABLE))
			return -EINTR;
		if (address_space_pte(as, a))
			a += PAGE_SIZE; /* else another thread changed it under our eyes */
	}
	return 0;
}

/* Is the page in memory: mapped here, or in its object? */
static bool page_in_core(struct region *r, u64 address)
{
	struct page *page = NULL;

	if (address_space_pte(r->space, address))
		return true;
	if (r->object && !vm_object_page(r->object, region_page(r, address), false, &page) && page)
		page_put(page);
	return page;
}

int address_space_mincore(struct address_space *as, u64 address, u64 length, u8 *vector)
{
	int err = 0;
	u64 end;

	if (address % PAGE_SIZE)
		return -EINVAL;
	if (!range_check(address, length, &end))
		return -ENOMEM;
	rwlock_read_lock(&as->lock);
	if (!covered(as, address, end))
		err = -ENOMEM;
	for (struct region *r = region_find(as, address); !err && address < end;
	     address += PAGE_SIZE) {
		if (address >= r->end)
			r = region_next(r);
		*vector++ = page_in_core(r, address);
	}
	rwlock_read_unlock(&as->lock);
	return err;
}
