/* SPDX-License-Identifier: MIT
 *
 * mmap(), munmap() and mprotect(), by POSIX, and by mmap(2) where POSIX says nothing.
 */
#include "kernel/lib/errno.h"
#include "kernel/vm/pages.h"
#include "kernel/vm/region.h"

#define MAP_TYPE 0x0f
#define PROT_SEM 8 /* accepted and ignored, as on Linux */
#define PROT_ALL (PROT_READ | PROT_WRITE | PROT_EXEC)

int regions_unmap(struct address_space *as, u64 start, u64 end, struct list *dead)
{
	struct region *r = region_find(as, start), *next;

	/* All that can fail comes first.  Only a range inside one region needs memory. */
	if (r && r->start < start && r->end > end && regions_cut(as, end))
		return -ENOMEM;
	for (; r && r->start < end; r = next) {
		next = region_next(r);
		pages_zap(r, MAX(r->start, start), MIN(r->end, end), true);
		if (r->start < start)
			region_resize(r, r->start, start);
		else if (r->end > end)
			region_resize(r, end, r->end);
		else
			region_unlink(r, dead);
	}
	return 0;
}

int address_space_unmap(struct address_space *as, u64 address, u64 length)
{
	struct list dead = LIST_INIT(dead);
	u64 end;
	int err;

	if (!length || !range_check(address, length, &end))
		return -EINVAL;
	rwlock_write_lock(&as->lock);
	err = regions_unmap(as, address, end, &dead);
	rwlock_write_unlock(&as->lock);
	regions_free(&dead);
	return err;
}

struct region *region_replace(const struct region *model, struct region *older, struct list *dead)
{
	struct address_space *as = model->space;
	u64 mapped = model->end - model->start;
	struct region *r;

	/* Bytes that are unmapped here do not count against the limit. */
	for (r = region_find(as, model->start); r && r->start < model->end; r = region_next(r))
		mapped -= MIN(r->end, model->end) - MAX(r->start, model->start);
	if (!regions_may_grow(model, mapped) || as->region_count >= VM_REGIONS_MAX)
		return ERR_PTR(-ENOMEM);
	r = region_create(model);
	if (!r)
		return ERR_PTR(-ENOMEM);
	if (regions_unmap(as, model->start, model->end, dead)) {
		list_push_back(dead, &r->mapping.link);
		return ERR_PTR(-ENOMEM);
	}
	region_link(r, older);
	return r;
}

/* Choose the address of a mapping: the address, or a negative errno.  The caller holds as->lock. */
static long map_place(struct address_space *as, const struct map_request *q, u64 length)
{
	u64 hint = ALIGN_DOWN(q->address, PAGE_SIZE), place, end;

	if (q->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
		if (q->address % PAGE_SIZE)
			return -EINVAL;
		if (!range_check(q->address, length, &end))
			return -ENOMEM;
		if (q->address < USER_MIN)
			return -EPERM;
		if (q->flags & MAP_FIXED_NOREPLACE) {
			struct region *r = region_find(as, q->address);

			if (r && r->start < end)
				return -EEXIST;
		}
		return (long)q->address;
	}
	if (hint >= USER_MIN && range_check(hint, length, &end) && regions_none(as, hint, end))
		return (long)hint;
	place = region_place(as, length, q->flags & MAP_32BIT ? 1UL << 31 : 0);
	return place ? (long)place : -ENOMEM;
}

/* Check what can be checked without looking at the space.  0 or a negative errno. */
static int map_check(const struct map_request *q, u64 length)
{
	u32 type = q->flags & MAP_TYPE;

	if (!q->length || (q->prot & ~(PROT_ALL | PROT_SEM)) || q->offset % PAGE_SIZE)
		return -EINVAL;
	if (type != MAP_SHARED && type != MAP_PRIVATE && type != MAP_SHARED_VALIDATE)
		return -EINVAL;
	if (type != MAP_PRIVATE && q->flags & MAP_GROWSDOWN)
		return -EINVAL;
	if (type == MAP_SHARED_VALIDATE && !q->object)
		return -EINVAL;
	if (!length || length > USER_MAX - USER_MIN)
		return -ENOMEM;
	if (q->offset + length < q->offset)
		return -EOVERFLOW;
	return (q->prot & PROT_ALL) & ~(q->max_prot ? q->max_prot : PROT_ALL) ? -EACCES : 0;
}

long address_space_map(struct address_space *as, const struct map_request *q)
{
	u64 length = ALIGN_UP(q->length, PAGE_SIZE);
	struct list dead = LIST_INIT(dead);
	struct vm_object *own = NULL;
	struct region model = {
	    .prot = q->prot & PROT_ALL,
	    .max_prot = q->max_prot ? q->max_prot : PROT_ALL,
	    .shared = (q->flags & MAP_TYPE) != MAP_PRIVATE,
	    .grows_down = !q->object && (q->is_stack || (q->flags & MAP_GROWSDOWN)),
	    .is_stack = q->is_stack,
	    .is_heap = q->is_heap,
	    .object = q->object,
	    .object_page = q->object ? q->offset >> PAGE_SHIFT : 0,
	    .file = q->file,
	    .space = as,
	};
	long place = map_check(q, length);

	linker_set_for_each(events, region_events)
		if (!place && events->may_map)
			place = events->may_map(length, q->flags);
	if (place)
		return place;
	if (model.shared && !model.object) {
		own = vm_object_create(length, PAGE_OBJECT);
		if (IS_ERR(own))
			return PTR_ERR(own);
		model.object = own;
	}
	rwlock_write_lock(&as->lock);
	place = map_place(as, q, length);
	if (place > 0) {
		struct region *r;

		model.start = (u64)place;
		model.end = model.start + length;
		r = region_replace(&model, NULL, &dead);
		if (IS_ERR(r))
			place = PTR_ERR(r);
		else
			regions_merge(as, model.start, model.end, &dead);
	}
	rwlock_write_unlock(&as->lock);
	regions_free(&dead);
	if (own)
		vm_object_put(own);
	linker_set_for_each(events, region_events)
		if (place > 0 && events->mapped)
			events->mapped(as, (u64)place, length, q->flags);
	return place;
}

int address_space_protect(struct address_space *as, u64 address, u64 length, u32 prot)
{
	struct list dead = LIST_INIT(dead);
	u64 end, covered = address;
	struct region *r;
	int err = 0;

	if (address % PAGE_SIZE || (prot & ~(PROT_ALL | PROT_SEM)))
		return -EINVAL;
	if (!length)
		return 0;
	if (!range_check(address, length, &end))
		return -ENOMEM;
	prot &= PROT_ALL;
	rwlock_write_lock(&as->lock);
	if (regions_cut(as, address) || regions_cut(as, end))
		err = -ENOMEM;
	for (r = region_find(as, address); !err && covered < end; r = region_next(r)) {
		if (!r || r->start > covered) {
			err = -ENOMEM; /* a hole; the regions before it stay changed */
		} else if (prot & ~r->max_prot) {
			err = -EACCES;
		} else if (!(r->prot & PROT_WRITE) &&
			   !region_may_have(r, prot, r->end - r->start)) {
			err = -ENOMEM;
		} else if (prot != r->prot) {
			region_account(r, -1);
			r->prot = prot;
			region_account(r, 1);
			pages_protect(r, r->start, r->end);
		}
		if (err)
			break;
		covered = r->end;
	}
	regions_merge(as, address, end, &dead);
	rwlock_write_unlock(&as->lock);
	regions_free(&dead);
	return err;
}
