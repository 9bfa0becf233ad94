/* SPDX-License-Identifier: MIT
 *
 * The inside of a slab cache: for slab.c, and for those that show its counts.
 */
#pragma once

#include "kernel/lib/list.h"
#include "kernel/sync/spinlock.h"

#define SLAB_CACHES_MAX 48

/* It is aligned so that the locks of two caches lie in different cache lines, and that the index of a
 * cache is found by a shift instead of a division. */
struct slab_cache {
	const char *name;
	u32 size; /* of an object, rounded up */
	u32 objects_per_slab;
	struct spinlock lock;
	/* Under lock: */
	struct list partial; /* slabs with a free object */
	u64 slabs, in_use;   /* in_use: objects */
} __aligned(128);

/* All caches.  The count is increased after a cache has been set up (release). */
extern struct slab_cache slab_caches[SLAB_CACHES_MAX];
extern u32 slab_cache_count;
