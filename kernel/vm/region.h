/* SPDX-License-Identifier: MIT
 *
 * The tree of regions: finding, linking, splitting, merging, and finding free space.  Private to
 * kernel/vm.  The caller holds as->lock: for reading to find, for writing to change.
 */
#pragma once

#include "kernel/lib/linker_set.h"
#include "kernel/vm/address_space.h"

/* Bytes that stay free below a stack, so that an overflow does not reach the next region (as on
 * Linux). */
#define STACK_GUARD (256 * PAGE_SIZE)

/* The lowest region that ends above `address`: it contains the address, or is the next one above
 * it. */
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

/* A copy of `model`, with references to its object and file, in no tree yet.  NULL: no memory. */
struct region *region_create(const struct region *model);

/* Insert the region into the tree of r->space, and into the list of mappings of its object: after
 * `older`, if that is not NULL.  A walk over the list in order then cannot miss pages that move
 * from the older region to the newer. */
void region_link(struct region *r, struct region *older);

/* Remove the region from both, and append it to `dead`.  Its pages have been unmapped already. */
void region_unlink(struct region *r, struct list *dead);

/* The same, but leave it in the tree, which is about to be freed with the space. */
void region_retire(struct region *r, struct list *dead);

/* Free removed regions; the list is not used again.  No lock is held, since dropping the last
 * reference to a file closes it. */
void regions_free(struct list *dead);

/* Functions of extensions. */
struct region_events {
	/* regions_free() frees a region that maps a file, and that still has its references to the
	 * object and the file.  NULL, or cheap for a file that the extension does not know. */
	void (*freed)(struct region *r);
	/* mmap() or brk() wants `length` bytes with these flags (MAP_*): 0 or an error.  NULL:
	 * yes. */
	int (*may_map)(u64 length, u32 flags);
	/* It has mapped them.  The space is not locked.  NULL: nothing to do. */
	void (*mapped)(struct address_space *as, u64 start, u64 length, u32 flags);
};
LINKER_SET(region_events, struct region_events);

/* Add the region to the sums of its space (`sign` 1), or subtract it (-1).  Called before and after
 * a change of its size or protection. */
void region_account(struct region *r, int sign);

/* Change the ends of the region; object_page follows `start`. */
void region_resize(struct region *r, u64 start, u64 end);

/* If `at` lies inside a region, split the region there.  0 or -ENOMEM. */
int regions_cut(struct address_space *as, u64 at);

/* Merge neighbours with the same attributes, from the region before `start` to the one after
 * `end`. */
void regions_merge(struct address_space *as, u64 start, u64 end, struct list *dead);

/* Is [start, end) free, and not the gap below a stack? */
bool regions_none(struct address_space *as, u64 start, u64 end);

/* The highest free address for `length` bytes below `top`; if that is 0, below mmap_top, or above it
 * if there is none.  0: there is no space. */
u64 region_place(struct address_space *as, u64 length, u64 top);

/* Do RLIMIT_AS and RLIMIT_DATA of the calling process allow `bytes` more of what `model` is? */
bool regions_may_grow(const struct region *model, u64 bytes);

/* Does RLIMIT_DATA allow `bytes` more in the region if its protection is `prot`? */
bool region_may_have(const struct region *r, u32 prot, u64 bytes);

/* Does the range begin at a page, and lie in the user half?  *end is set to its end, rounded up to
 * a page. */
bool range_check(u64 address, u64 length, u64 *end);

/* --- map.c, used by mremap() too -------------------------------------------------------------- */

/* Unmap [start, end) and remove its regions.  0; or -ENOMEM, and regions may have been split but
 * nothing is unmapped. */
int regions_unmap(struct address_space *as, u64 start, u64 end, struct list *dead);

/* Make a region like `model`, within the limits, and unmap what was at its place.  `older`: as in
 * region_link().  ERR_PTR(-ENOMEM): regions may have been split but nothing is unmapped. */
struct region *region_replace(const struct region *model, struct region *older, struct list *dead);
