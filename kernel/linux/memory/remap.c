/* SPDX-License-Identifier: MIT
 *
 * mremap(2): mappings that grow, shrink and move with their pages.
 */
#include "kernel/linux/memory/remap.h"

#include "arch/x86_64/pc/tlb.h"
#include "kernel/lib/errno.h"
#include "kernel/sys/calls.h"
#include "kernel/vm/pages.h"
#include "kernel/vm/region.h"

struct remap {
	struct address_space *as;
	u64 address, length, new_length; /* whole pages */
	u32 flags;
	u64 new_address; /* MREMAP_FIXED */
	struct list dead;
};

/* Move the pages of `length` bytes from `old_start` to to->start.  False if there is no memory;
 * then nothing has changed.  as->lock is held for writing. */
static bool pages_move(struct region *from, u64 old_start, struct region *to, u64 length)
{
	struct address_space *as = from->space;
	u64 shift = to->start - old_start, end = old_start + length, a, first, stop, *slot;

	/* Allocate all page tables first: after that nothing can fail. */
	for (a = old_start;; a = stop) {
		slot = pte_next(as, &a, end, &stop);
		if (!slot)
			break;
		if (!pages_table_make(as, a + shift) ||
		    !pages_table_make(as, stop - PAGE_SIZE + shift))
			return false;
	}
	a = old_start;
	do {
		spin_lock(&as->page_table_lock);
		slot = pte_next(as, &a, end, &stop);
		first = a;
		for (u64 *entry = slot; entry && a < stop; a += PAGE_SIZE, entry++) {
			if (!*entry)
				continue;
			/* At once: until it is 0 the processor may set PTE_DIRTY. */
			pte_set(pte_slot(as, a + shift),
				__atomic_exchange_n(entry, 0, __ATOMIC_RELAXED));
		}
		if (slot)
			tlb_shootdown(&as->pmap, first, stop);
		spin_unlock(&as->page_table_lock);
	} while (slot);
	return true;
}

/* Grow the region by `by` bytes if the addresses behind it are free and the limits allow it. */
static bool grow_in_place(struct region *r, u64 by, struct list *dead)
{
	u64 end = r->end + by;

	if (end > USER_MAX || !regions_none(r->space, r->end, end) || !regions_may_grow(r, by))
		return false;
	region_resize(r, r->start, end);
	regions_merge(r->space, r->start, end, dead);
	return true;
}

/* Move [address, address + length) to a free range of new_length bytes.  Returns its address. */
static long move(struct remap *m)
{
	struct address_space *as = m->as;
	bool stays = m->flags & MREMAP_DONTUNMAP || !m->length;
	u64 end = m->address + m->length, start;
	struct region *r, *to, model;

	if ((m->flags & MREMAP_FIXED) && m->new_address < USER_MIN)
		return -EPERM;
	start = m->flags & MREMAP_FIXED ? m->new_address : region_place(as, m->new_length, 0);
	if (!start)
		return -ENOMEM;
	/* Cut out the part that moves as a separate region, so that removing it later cannot
	 * fail. */
	if (m->length && (regions_cut(as, m->address) || regions_cut(as, end)))
		return -ENOMEM;
	r = region_at(as, m->address);
	model = *r;
	model.object_page = region_page(r, m->address);
	model.start = start;
	model.end = start + m->new_length;

	/* The limits apply to the result, in which the old range is unmapped. */
	as->mapped_bytes -= stays ? 0 : m->length;
	to = region_replace(&model, r, &m->dead);
	as->mapped_bytes += stays ? 0 : m->length;
	if (!IS_ERR(to) && m->length && !pages_move(r, m->address, to, m->length)) {
		region_unlink(to, &m->dead);
		to = ERR_PTR(-ENOMEM);
	}
	/* MREMAP_DONTUNMAP: the old range stays, without its pages.  Length 0: it keeps them. */
	if (!IS_ERR(to) && !stays)
		region_unlink(r, &m->dead);
	regions_merge(as, m->address, end, &m->dead);
	if (IS_ERR(to))
		return PTR_ERR(to);
	regions_merge(as, start, model.end, &m->dead);
	return (long)start;
}

/* as->lock is held for writing. */
static long remap(struct remap *m)
{
	struct region *r = region_at(m->as, m->address);
	u64 end = m->address + m->length, by;

	if (!r)
		return -EFAULT;
	if (!m->length && !r->shared)
		return -EINVAL; /* a second mapping of the same pages (mremap(2), BUGS) */
	if (m->flags & MREMAP_FIXED) {
		/* Unmap the target first, then the part of the source beyond new_length. */
		if (regions_unmap(m->as, m->new_address, m->new_address + m->new_length, &m->dead))
			return -ENOMEM;
		if (m->length > m->new_length) {
			if (regions_unmap(m->as, m->address + m->new_length, end, &m->dead))
				return -ENOMEM;
			m->length = m->new_length;
		}
	} else if (m->length >= m->new_length && !(m->flags & MREMAP_DONTUNMAP)) {
		if (m->length > m->new_length &&
		    regions_unmap(m->as, m->address + m->new_length, end, &m->dead))
			return -ENOMEM;
		return (long)m->address;
	}
	r = region_at(m->as, m->address);
	if (!r || m->address + m->length > r->end)
		return -EFAULT; /* the range has more than one mapping */
	by = m->new_length - m->length;
	if (r->object &&
	    region_page(r, m->address) + (m->new_length >> PAGE_SHIFT) > UINT64_MAX >> PAGE_SHIFT)
		return -EINVAL;
	if (!(m->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) && m->length &&
	    m->address + m->length == r->end && grow_in_place(r, by, &m->dead))
		return (long)m->address;
	return m->flags & MREMAP_MAYMOVE ? move(m) : -ENOMEM;
}

long address_space_remap(struct address_space *as, u64 old_address, u64 old_length, u64 new_length,
			 u32 flags, u64 new_address)
{
	struct remap m = {.as = as,
			  .address = old_address,
			  .flags = flags,
			  .new_address = new_address,
			  .dead = LIST_INIT(m.dead)};
	u64 end, new_end;
	long result;

	if ((flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP)) || !new_length ||
	    !range_check(old_address, old_length, &end) || new_length > USER_MAX)
		return -EINVAL;
	m.length = end - old_address;
	m.new_length = ALIGN_UP(new_length, PAGE_SIZE);
	if (flags & MREMAP_DONTUNMAP && (!(flags & MREMAP_MAYMOVE) || m.length != m.new_length))
		return -EINVAL;
	if (flags & MREMAP_FIXED) {
		if (!(flags & MREMAP_MAYMOVE) || !range_check(new_address, new_length, &new_end))
			return -EINVAL;
		if (new_address < end && old_address < new_end)
			return -EINVAL; /* they overlap */
	}
	rwlock_write_lock(&as->lock);
	result = remap(&m);
	rwlock_write_unlock(&as->lock);
	regions_free(&m.dead);
	return result;
}

CALL(mremap, d >> 32 ? -EINVAL : address_space_remap(current_space(), a, b, c, (u32)d, e))
