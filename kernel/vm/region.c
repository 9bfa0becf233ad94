/* SPDX-License-Identifier: MIT
 *
 * The tree of regions (region.h).
 */
#include "kernel/vm/region.h"

#include "kernel/lib/abi.h"
#include "kernel/lib/errno.h"
#include "kernel/mem/slab.h"
#include "kernel/task/process.h"
#include "kernel/vm/pages.h"

static const struct region_file_hooks *file_hooks;

void vm_set_file_hooks(const struct region_file_hooks *hooks)
{
	file_hooks = hooks;
}

struct region *region_find(struct address_space *as, u64 address)
{
	struct treap_node *n = as->regions.root;
	struct region *best = NULL;

	while (n) {
		struct region *r = region_of(n);

		if (r->end > address) {
			best = r;
			if (r->start <= address)
				break;
			n = n->left;
		} else {
			n = n->right;
		}
	}
	return best;
}

struct region *region_at(struct address_space *as, u64 address)
{
	struct region *r = region_find(as, address);

	return r && r->start <= address ? r : NULL;
}

struct region *region_create(const struct region *model)
{
	struct region *r = kmalloc(sizeof(*r));

	if (!r)
		return NULL;
	*r = *model;
	list_init(&r->mapping.link);
	r->mapping.unmap = pages_unmap_object;
	if (r->object)
		vm_object_get(r->object);
	if (r->file)
		file_hooks->get(r->file);
	return r;
}

/* RLIMIT_DATA counts what the program may write and does not share, without stacks. */
static bool is_data(const struct region *r, u32 prot)
{
	return !r->shared && (prot & PROT_WRITE) && !r->grows_down;
}

void region_account(struct region *r, int sign)
{
	u64 bytes = (r->end - r->start) * (u64)sign;

	r->space->mapped_bytes += bytes;
	r->space->peak_mapped_bytes = MAX(r->space->peak_mapped_bytes, r->space->mapped_bytes);
	if (is_data(r, r->prot))
		r->space->data_bytes += bytes;
}

static void mappings_lock(struct region *r)
{
	if (r->object)
		mutex_lock(&r->object->mappings_lock);
}

static void mappings_unlock(struct region *r)
{
	if (r->object)
		mutex_unlock(&r->object->mappings_lock);
}

void region_link(struct region *r, struct region *older)
{
	struct treap_node **link = &r->space->regions.root, *parent = NULL;

	while (*link) {
		parent = *link;
		link = r->start < region_of(parent)->start ? &parent->left : &parent->right;
	}
	treap_insert(&r->space->regions, &r->node, parent, link);
	r->space->region_count++;
	region_account(r, 1);
	if (!r->object)
		return;
	mappings_lock(r);
	list_push_front(older ? &older->mapping.link : &r->object->mappings, &r->mapping.link);
	mappings_unlock(r);
}

void region_retire(struct region *r, struct list *dead)
{
	mappings_lock(r);
	list_remove(&r->mapping.link);
	mappings_unlock(r);
	list_push_back(dead, &r->mapping.link);
}

void region_unlink(struct region *r, struct list *dead)
{
	struct address_space *as = r->space;

	treap_remove(&as->regions, &r->node);
	as->region_count--;
	region_account(r, -1);
	if (r->end > as->gap_hint && as->gap_hint)
		as->gap_hint = MIN(r->end, as->layout.mmap_top);
	region_retire(r, dead);
}

void regions_free(struct list *dead)
{
	struct region *r, *next;

	list_for_each_safe (r, next, dead, mapping.link) {
		if (r->file) {
			linker_set_for_each(events, region_events)
				if (events->freed)
					events->freed(r);
			file_hooks->put(r->file);
		}
		if (r->object)
			vm_object_put(r->object);
		kfree(r);
	}
}

void region_resize(struct region *r, u64 start, u64 end)
{
	region_account(r, -1);
	mappings_lock(r);
	r->object_page += (u64)((s64)(start - r->start) >> PAGE_SHIFT);
	r->start = start;
	r->end = end;
	mappings_unlock(r);
	region_account(r, 1);
}

int regions_cut(struct address_space *as, u64 at)
{
	struct region *r = region_find(as, at), *upper;

	if (!r || r->start >= at)
		return 0;
	upper = as->region_count < VM_REGIONS_MAX ? region_create(r) : NULL;
	if (!upper)
		return -ENOMEM;
	upper->object_page = region_page(r, at);
	upper->start = at;
	/* Link the new one first: a truncation that walks over the mappings must not find a
	 * hole. */
	region_link(upper, r);
	region_resize(r, r->start, at);
	return 0;
}

static bool alike(const struct region *a, const struct region *b)
{
	return a->end == b->start && a->prot == b->prot && a->max_prot == b->max_prot &&
	       a->shared == b->shared && a->grows_down == b->grows_down &&
	       a->is_heap == b->is_heap && a->is_stack == b->is_stack && a->file == b->file && a->advice == b->advice &&
	       a->object == b->object && (!a->object || region_page(a, a->end) == b->object_page);
}

void regions_merge(struct address_space *as, u64 start, u64 end, struct list *dead)
{
	struct region *r = region_find(as, start - 1), *next;

	while (r && r->start < end && (next = region_next(r))) {
		if (!alike(r, next)) {
			r = next;
			continue;
		}
		/* No region_account(): the sums do not change. */
		treap_remove(&as->regions, &next->node);
		as->region_count--;
		mappings_lock(r);
		r->end = next->end;
		list_remove(&next->mapping.link);
		mappings_unlock(r);
		list_push_back(dead, &next->mapping.link);
	}
}

/* The end of the space below a region that may be used: a stack keeps a gap. */
static u64 ceiling_below(const struct region *r)
{
	return r->start - (r->grows_down ? MIN(r->start, STACK_GUARD) : 0);
}

bool regions_none(struct address_space *as, u64 start, u64 end)
{
	struct region *r = region_find(as, start);

	return !r || end <= ceiling_below(r);
}

/* The highest free address for `length` bytes below `top`, or 0.  *largest is raised to the size of
 * the largest gap that was too small. */
static u64 gap_below(struct address_space *as, u64 top, u64 length, u64 *largest)
{
	struct region *r = region_find(as, top - 1), *below;
	u64 ceiling = r ? MIN(top, ceiling_below(r)) : top;

	below = r ? region_prev(r) : region_of(treap_last(&as->regions));
	for (;; below = region_prev(below)) {
		u64 floor = below ? MAX(below->end, (u64)USER_MIN) : USER_MIN;

		if (ceiling > floor) {
			if (ceiling - floor >= length)
				return ceiling - length;
			*largest = MAX(*largest, ceiling - floor);
		}
		if (!below)
			return 0;
		ceiling = ceiling_below(below);
	}
}

u64 region_place(struct address_space *as, u64 length, u64 top)
{
	u64 address = 0;

	if (top)
		return gap_below(as, top, length, &address);
	/* Do not search the gaps above gap_hint again if all of them are known to be too small. */
	if (as->gap_hint && length > as->gap_largest)
		address = gap_below(as, as->gap_hint, length, &as->gap_largest);
	if (!address) {
		as->gap_largest = 0;
		address = gap_below(as, as->layout.mmap_top, length, &as->gap_largest);
	}
	if (!address)
		return gap_below(as, USER_MAX, length, &as->gap_largest);
	as->gap_hint = address;
	return address;
}

bool regions_may_grow(const struct region *model, u64 bytes)
{
	return !bytes || (model->space->mapped_bytes + bytes <= current_limit(RLIMIT_AS) &&
			  region_may_have(model, model->prot, bytes));
}

bool region_may_have(const struct region *r, u32 prot, u64 bytes)
{
	return !is_data(r, prot) || r->space->data_bytes + bytes <= current_limit(RLIMIT_DATA);
}

bool range_check(u64 address, u64 length, u64 *end)
{
	if (address % PAGE_SIZE || length > USER_MAX || address > USER_MAX - length)
		return false;
	*end = address + ALIGN_UP(length, PAGE_SIZE);
	return true;
}
