/* SPDX-License-Identifier: MIT
 *
 * The slab allocator: caches of objects of one size in single frames (Bonwick 1994).  kmalloc()
 * uses ten such caches up to 2048 bytes, and whole frames for larger sizes.
 */
#pragma once

#include "kernel/lib/base.h"

struct slab_cache;

/* Create a cache of objects of `size` bytes (at most 2048), aligned to `align` (power of two, at
 * most 64).  At bring-up only.  Caches are never destroyed.  Creating one allocates no memory. */
struct slab_cache *slab_cache_create(const char *name, size_t size, size_t align);

/* Allocate an object, zeroed or not (debug builds fill it with NEW_BYTE), or free it.  NULL: no
 * memory. Any context except NMI; may sleep as page_alloc() does. */
void *slab_alloc(struct slab_cache *cache);
void *slab_alloc_zeroed(struct slab_cache *cache);
void slab_free(struct slab_cache *cache, void *object);

/* Return the objects that the calling CPU keeps for its next allocations to their slabs.  Any context
 * except NMI. */
void slab_drain_this_cpu(void);

/* Allocate any size up to 4 MiB; the same rules hold.  kfree(NULL) does nothing. */
void *kmalloc(size_t size);
void *kzalloc(size_t size);
void kfree(void *object);

/* Create the caches of kmalloc().  After page_init(). */
void slab_init(void);
