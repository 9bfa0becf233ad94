/* SPDX-License-Identifier: MIT
 *
 * madvise(2), msync(2), and mlock(2) as far as it makes pages present.
 */
#include "kernel/lib/errno.h"
#include "kernel/linux/memory/mapped_times.h"
#include "kernel/sys/calls.h"
#include "kernel/vm/pages.h"
#include "kernel/vm/region.h"

#define MADV_NORMAL	0
#define MADV_RANDOM	1
#define MADV_SEQUENTIAL 2
#define MADV_WILLNEED	3
#define MADV_DONTNEED	4
#define MADV_FREE	8
#define MADV_HUGEPAGE	14
#define MADV_NOHUGEPAGE 15
#define MADV_DONTDUMP	16
#define MADV_DODUMP	17

#define MS_ASYNC	1
#define MS_INVALIDATE	2
#define MS_SYNC		4

/* Advice that is accepted but needs no action: there is neither swap nor a disk to read ahead
 * from. */
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

static int advise(struct address_space *as, u64 address, u64 length, int advice)
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
	/* Holes are skipped, and reported at the end (madvise(2)). */
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

/* 0 if the whole range is mapped, else -ENOMEM. */
static int covers(struct address_space *as, u64 address, u64 length)
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

/* --- Calls
 * ------------------------------------------------------------------------------------- */

CALL(madvise, advise(current_space(), a, b, (int)c))

/* Files are in memory, so there is nothing to write back but times. */
SYSCALL3(msync, address, length, flags)
{
	if (flags & ~(u64)(MS_ASYNC | MS_INVALIDATE | MS_SYNC) ||
	    (flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC) || address & ~PAGE_MASK)
		return -EINVAL;
	mapped_times_update(current_space(), address, address + ALIGN_UP(length, PAGE_SIZE));
	return covers(current_space(), address, length);
}

/* Pages are never paged out, so locking them only makes them present. */
CALL(mlock, address_space_populate(current_space(), a, b))
CALL(munlock, covers(current_space(), a &PAGE_MASK, b + (a & ~PAGE_MASK)))
CALL(mlockall, !a || a & ~7UL || a == 4 /* MCL_ONFAULT alone */ ? -EINVAL : 0)
CALL(munlockall, 0)
