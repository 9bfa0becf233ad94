/* SPDX-License-Identifier: MIT
 *
 * madvise(2), and mlock(2) as far as it makes pages present.
 */
#include "kernel/lib/errno.h"
#include "kernel/task/thread.h"
#include "kernel/vm/pages.h"
#include "kernel/vm/region.h"

/* What is known, but needs nothing done: there is neither swap nor a disk to read ahead from. */
#define ADVICE_IDLE                                                                                \
	(1U << MADV_NORMAL | 1U << MADV_RANDOM | 1U << MADV_SEQUENTIAL | 1U << MADV_WILLNEED |     \
	 1U << MADV_HUGEPAGE | 1U << MADV_NOHUGEPAGE | 1U << MADV_DONTDUMP | 1U << MADV_DODUMP)

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
	bool zap = advice == MADV_DONTNEED || advice == MADV_FREE;
	struct region *r;
	int err = 0;
	u64 end;

	if (!zap && ((u32)advice >= 32 || !(1U << advice & ADVICE_IDLE)))
		return -EINVAL;
	if (!range_check(address, length, &end))
		return -EINVAL;
	rwlock_read_lock(&as->lock);
	/* Holes are passed over, and told at the end (madvise(2)). */
	for (r = region_find(as, address); zap && !err && r && r->start < end; r = region_next(r)) {
		if (advice == MADV_FREE && (r->shared || r->object))
			err = -EINVAL;
		else
			pages_zap(r, MAX(r->start, address), MIN(r->end, end), true);
	}
	if (!err && !covered(as, address, end))
		err = -ENOMEM;
	rwlock_read_unlock(&as->lock);
	return err;
}

int address_space_covers(struct address_space *as, u64 address, u64 length)
{
	bool ok;
	u64 end;

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
		switch (address_space_fault(as, a, access)) {
		case FAULT_DONE:
		case FAULT_SPURIOUS:
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
