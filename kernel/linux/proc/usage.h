/* SPDX-License-Identifier: MIT
 *
 * Which frames stand behind an address space: what /proc shows of them.
 */
#pragma once

#include "kernel/vm/address_space.h"

/* An entry of /proc/PID/pagemap, Linux's bits. */
#define PAGEMAP_PRESENT	  (1UL << 63)
#define PAGEMAP_OBJECT	  (1UL << 61) /* a file's page, or shared memory */
#define PAGEMAP_EXCLUSIVE (1UL << 56) /* mapped here alone */
#define PAGEMAP_FRAME	  ((1UL << 55) - 1)

/* The entries for `count` pages from `address` on. */
void usage_pagemap(struct address_space *as, u64 address, u64 *entries, u32 count);

/* What a region maps, in bytes.  Pages are shared that are mapped more than once. */
struct region_usage {
	u64 resident;	  /* all but the zero page */
	u64 proportional; /* each page's part: its size by the number of its mappings */
	u64 shared_clean, shared_dirty, private_clean, private_dirty;
	u64 anonymous; /* of no object: the process's own, or copied on write by whoever writes */
	u64 anonymous_alone; /* those that are in no other space */
};

/* Adds to *usage.  as->lock is held, for reading at least. */
void region_usage_add(struct region *r, struct region_usage *usage);

/* Call `fn` on each region in the order of addresses, with as->lock held for reading, so `fn` must
 * not access user memory.  If it returns a value other than 0, the walk ends and returns that. */
int address_space_for_each(struct address_space *as,
			   int (*fn)(struct region *region, void *data), void *data);
