/* SPDX-License-Identifier: MIT
 *
 * madvise(2), msync(2), mincore(2).
 */
#include "kernel/lib/errno.h"
#include "kernel/linux/memory/mapped_times.h"
#include "kernel/linux/memory/memory.h"
#include "kernel/linux/vdso_region.h"
#include "kernel/sys/calls.h"
#include "kernel/vm/pages.h"

enum {
	MADV_NORMAL,
	MADV_RANDOM,
	MADV_SEQUENTIAL,
	MADV_WILLNEED,
	MADV_DONTNEED,
	MADV_FREE = 8,
	MADV_REMOVE,
	MADV_DONTFORK,
	MADV_DOFORK,
	MADV_MERGEABLE,
	MADV_UNMERGEABLE,
	MADV_HUGEPAGE,
	MADV_NOHUGEPAGE,
	MADV_DONTDUMP,
	MADV_DODUMP,
	MADV_WIPEONFORK,
	MADV_KEEPONFORK,
	MADV_COLD,
	MADV_PAGEOUT,
	MADV_POPULATE_READ,
	MADV_POPULATE_WRITE,
	MADV_DONTNEED_LOCKED,
};

#define MS_ASYNC      1
#define MS_INVALIDATE 2
#define MS_SYNC	      4

/* Advice that is accepted but needs no action: there is neither swap nor a disk to read ahead
 * from. */
#define ADVICE_IDLE                                                                                \
	(1U << MADV_NORMAL | 1U << MADV_RANDOM | 1U << MADV_SEQUENTIAL | 1U << MADV_WILLNEED |     \
	 1U << MADV_HUGEPAGE | 1U << MADV_NOHUGEPAGE | 1U << MADV_DONTDUMP | 1U << MADV_DODUMP |   \
	 1U << MADV_COLD | 1U << MADV_PAGEOUT)

/* What takes pages away. */
#define ADVICE_ZAP (1U << MADV_DONTNEED | 1U << MADV_DONTNEED_LOCKED | 1U << MADV_FREE)

bool regions_cover(struct address_space *as, u64 start, u64 end)
{
	struct region *r;

	for (r = region_find(as, start); r && r->start <= start; r = region_next(r)) {
		start = r->end;
		if (start >= end)
			return true;
	}
	return start >= end;
}

int regions_advise(struct address_space *as, u64 start, u64 end, u32 set, u32 clear)
{
	struct list dead = LIST_INIT(dead);
	int error = 0;

	rwlock_write_lock(&as->lock);
	if (regions_cut(as, start) || regions_cut(as, end))
		error = -ENOMEM;
	for (struct region *r = region_find(as, start); !error && r && r->start < end;
	     r = region_next(r))
		r->advice = (r->advice & ~clear) | set;
	if (!error && !regions_cover(as, start, end))
		error = -ENOMEM;
	regions_merge(as, start, end, &dead);
	rwlock_write_unlock(&as->lock);
	regions_free(&dead);
	return error;
}

/* May this advice be given for the region? */
static bool allows(const struct region *r, int advice)
{
	/* No fault brings the pages of the vDSO back. */
	if (r->advice & REGION_VDSO)
		return !(1U << advice & (ADVICE_ZAP | 1U << MADV_WIPEONFORK));
	if (advice == MADV_FREE || advice == MADV_WIPEONFORK)
		return !r->shared && !r->object;
	return advice != MADV_DONTNEED || !(r->advice & REGION_LOCKED);
}

/* Test the advice against each region, and take the pages away if it says so. */
static int advise_regions(struct address_space *as, u64 start, u64 end, int advice)
{
	int error = 0;

	rwlock_read_lock(&as->lock);
	/* Holes are skipped, and reported at the end (madvise(2)). */
	for (struct region *r = region_find(as, start); !error && r && r->start < end;
	     r = region_next(r)) {
		if (!allows(r, advice))
			error = -EINVAL;
		else if (1U << advice & ADVICE_ZAP)
			pages_zap(r, MAX(r->start, start), MIN(r->end, end), true);
	}
	if (!error && !regions_cover(as, start, end))
		error = -ENOMEM;
	rwlock_read_unlock(&as->lock);
	return error;
}

/* MADV_POPULATE_*: a fault for each page, which says why it failed. */
static int populate(struct address_space *as, u64 start, u64 end, enum fault_access access)
{
	for (u64 a = start; a < end; a += PAGE_SIZE) {
		switch (address_space_fault(as, a, access)) {
		case FAULT_DONE:
		case FAULT_SPURIOUS:
			break;
		case FAULT_MAPERR:
		case FAULT_NO_MEMORY:
			return -ENOMEM;
		case FAULT_ACCERR:
			return -EINVAL;
		case FAULT_BUS:
			return -EFAULT;
		case FAULT_SIGNAL:
			return -EINTR;
		}
	}
	return 0;
}

static int advise(struct address_space *as, u64 start, u64 length, int advice)
{
	u64 end;
	int error;

	if (!range_check(start, length, &end))
		return -EINVAL;
	switch (advice) {
	case MADV_DONTFORK:
		return regions_advise(as, start, end, REGION_DONTFORK, 0);
	case MADV_DOFORK:
		return regions_advise(as, start, end, 0, REGION_DONTFORK);
	case MADV_WIPEONFORK:
		error = advise_regions(as, start, end, advice);
		return error == -EINVAL ? error
					: regions_advise(as, start, end, REGION_WIPEONFORK, 0);
	case MADV_KEEPONFORK:
		return regions_advise(as, start, end, 0, REGION_WIPEONFORK);
	case MADV_POPULATE_READ:
		return populate(as, start, end, FAULT_READ);
	case MADV_POPULATE_WRITE:
		return populate(as, start, end, FAULT_WRITE);
	}
	if ((u32)advice >= 32 || !(1U << advice & (ADVICE_IDLE | ADVICE_ZAP)))
		return -EINVAL;
	return advise_regions(as, start, end, advice);
}

/* 0 if the whole range is mapped, else -ENOMEM. */
static int covers(struct address_space *as, u64 address, u64 length)
{
	bool ok;
	u64 end;

	if (!range_check(address, length, &end))
		return -ENOMEM;
	rwlock_read_lock(&as->lock);
	ok = regions_cover(as, address, end);
	rwlock_read_unlock(&as->lock);
	return ok ? 0 : -ENOMEM;
}

/* Is a region of [start, end) locked? */
static bool has_locked(struct address_space *as, u64 start, u64 end)
{
	bool found = false;

	rwlock_read_lock(&as->lock);
	for (struct region *r = region_find(as, start); r && r->start < end; r = region_next(r))
		found |= (r->advice & REGION_LOCKED) != 0;
	rwlock_read_unlock(&as->lock);
	return found;
}

CALL(madvise, advise(current_space(), a, b, (int)c))

/* Files are in memory, so there is nothing to write back but times. */
SYSCALL3(msync, address, length, flags)
{
	if (flags & ~(u64)(MS_ASYNC | MS_INVALIDATE | MS_SYNC) ||
	    (flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC) || address & ~PAGE_MASK)
		return -EINVAL;
	if (flags & MS_INVALIDATE && length <= USER_MAX &&
	    has_locked(current_space(), address, address + length))
		return -EBUSY;
	mapped_times_update(current_space(), address, address + ALIGN_UP(length, PAGE_SIZE));
	return covers(current_space(), address, length);
}

/* --- mincore ---------------------------------------------------------------------------------- */

/* Is the page in memory: mapped, or a page of the object?  as->lock is held. */
static bool is_in_memory(struct region *r, u64 address)
{
	struct page *page = NULL;

	if (address_space_pte(r->space, address))
		return true;
	if (r->object && !vm_object_page(r->object, region_page(r, address), false, &page) && page)
		page_put(page);
	return page;
}

/* Fill `vector` for `count` pages from `address` on.  False: one of them is not mapped. */
static bool look(struct address_space *as, u64 address, u8 *vector, size_t count)
{
	bool all = true;

	rwlock_read_lock(&as->lock);
	for (size_t i = 0; all && i < count; i++) {
		struct region *r = region_at(as, address + i * PAGE_SIZE);

		all = r;
		vector[i] = r && is_in_memory(r, address + i * PAGE_SIZE);
	}
	rwlock_read_unlock(&as->lock);
	return all;
}

SYSCALL3(mincore, address, length, user)
{
	u8 vector[256];
	u64 end, count;

	if (address % PAGE_SIZE)
		return -EINVAL;
	if (!range_check(address, length, &end))
		return -ENOMEM;
	for (; address < end; address += count * PAGE_SIZE, user += count) {
		count = MIN((end - address) / PAGE_SIZE, sizeof(vector));
		if (!look(current_space(), address, vector, count))
			return -ENOMEM;
		if (copy_to_user((void *)user, vector, count))
			return -EFAULT;
		if (thread_interrupted(WAIT_KILLABLE))
			return -EINTR;
	}
	return 0;
}
