/* SPDX-License-Identifier: MIT
 *
 * The tree of regions: finding, linking, cutting, merging, and finding free room.  Private to
 * kernel/vm.  All want as->lock: finding for reading, changing for writing.
 */
#pragma once

#include "kernel/vm/address_space.h"

/* Room kept free below a stack, so that running over it does not hit the neighbour (as Linux). */
#define STACK_GUARD (256 * PAGE_SIZE)

/* The lowest region that ends above `address`: it contains it, or is the next one. */
struct region *region_find(struct address_space *as, u64 address);

/* The region that contains `address`, or NULL. */
struct region *region_at(struct address_space *as, u64 address);

static inline struct region *region_next(struct region *r)
{
	return region_of(treap_next(&r->node));
}

static inline struct region *region_prev(struct region *r)
{
	return region_of(treap_prev(&r->node));
}

/* Index in the object of the page at `address`. */
static inline u64 region_page(const struct region *r, u64 address)
{
	return r->object_page + ((address - r->start) >> PAGE_SHIFT);
}

/* A copy of `model` that holds its object and file; in no tree yet.  NULL: no memory. */
struct region *region_create(const struct region *model);

/* Into the tree of r->space, and into its object's list of mappings: after `older`, where that is
 * given.  A walk over the list in order then cannot miss pages that move from older to newer. */
void region_link(struct region *r, struct region *older);

/* Out of both, onto a list of dead ones; their pages are gone already. */
void region_unlink(struct region *r, struct list *dead);

/* Let go what the dead hold.  No lock held: the last hold on a file may do much. */
void regions_free(struct list *dead);

/* Count the region in (1) or out (-1) of the sums: around changes of its size or protection. */
void region_account(struct region *r, int sign);

/* Move the ends, in the tree and in the object. */
void region_resize(struct region *r, u64 start, u64 end);

/* Make `at` a border between regions, if it lies inside one.  0 or -ENOMEM. */
int regions_cut(struct address_space *as, u64 at);

/* Join neighbours that are alike, from the one before `start` to the one after `end`. */
void regions_merge(struct address_space *as, u64 start, u64 end, struct list *dead);

/* Are there no regions in [start, end), nor a stack just above? */
bool regions_none(struct address_space *as, u64 start, u64 end);

/* The highest free place for `length` bytes below mmap_top, or above where there is none.  0: none.
 */
u64 region_place(struct address_space *as, u64 length);

/* May `bytes` more be mapped? */
bool regions_may_grow(struct address_space *as, u64 bytes);

/* In map.c, for mremap() too. */

/* Is [address, address + length) page-aligned at its start, and inside the user half?  *end is its
 * end, rounded up to a page. */
bool range_check(u64 address, u64 length, u64 *end);

/* Take [start, end) out, pages and regions.  0, or -ENOMEM with nothing done but a cut. */
int regions_unmap(struct address_space *as, u64 start, u64 end, struct list *dead);

/* A region like `model`, in place of whatever is there, within the limits.  Where `older` is given
 * the new one follows it in the object's list.  ERR_PTR(-ENOMEM): nothing done but cuts. */
struct region *region_replace(const struct region *model, struct region *older, struct list *dead);
