/* SPDX-License-Identifier: MIT
 *
 * The page frames that an address space maps, for /proc.
 */
#pragma once

#include "kernel/vm/address_space.h"

/* An entry of /proc/PID/pagemap, Linux's bits. */
#define PAGEMAP_PRESENT	  (1UL << 63)
#define PAGEMAP_OBJECT	  (1UL << 61) /* a page of a file or of shared memory */
#define PAGEMAP_EXCLUSIVE (1UL << 56) /* mapped only once */
#define PAGEMAP_FRAME	  ((1UL << 55) - 1)

/* Fill in the entries of `count` pages from `address` on.  Takes page_table_lock. */
void usage_pagemap(struct address_space *as, u64 address, u64 *entries, u32 count);

/* Bytes that a region maps.  A page is shared if it is mapped more than once. */
struct region_usage {
	u64 resident;	  /* all pages except the zero page */
	u64 proportional; /* sum of page size / number of mappings */
	u64 shared_clean, shared_dirty, private_clean, private_dirty;
	u64 locked;	     /* the share (as `proportional`) of regions that are locked */
	u64 anonymous;	     /* pages of no object: private memory and copies on write */
	u64 anonymous_alone; /* those that no other address space maps */
};

/* Add the pages of region `r` to *usage.  The caller holds as->lock, at least for reading. */
void region_usage_add(struct region *r, struct region_usage *usage);

/* Call `fn` on each region in the order of addresses, with as->lock held for reading, so `fn` must
 * not access user memory.  If it returns a value other than 0, the walk ends and returns that. */
int address_space_for_each(struct address_space *as,
			   int (*fn)(struct region *region, void *data), void *data);
