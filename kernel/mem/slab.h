/* SPDX-License-Identifier: MIT
 *
 * The slab allocator: caches of objects of one size in single frames (Bonwick 1994); kmalloc()
 * sizes on top, and whole frames above them.
 */
#pragma once

#include "kernel/lib/base.h"

struct slab_cache;

/* A cache of objects of `size` bytes (8 to 2048), aligned to `align` (power of two, at most 64).
 * Caches are made at start and never destroyed; making one takes no memory. */
struct slab_cache *slab_cache_create(const char *name, size_t size, size_t align);

/* An object, not zeroed (poisoned in debug builds) or zeroed.  NULL: no memory.  Any context but
 * NMI. */
void *slab_alloc(struct slab_cache *cache);
void *slab_alloc_zeroed(struct slab_cache *cache);
void slab_free(struct slab_cache *cache, void *object);

/* Any size up to 4 MiB; kfree(NULL) does nothing. */
void *kmalloc(size_t size);
void *kzalloc(size_t size);
void kfree(void *object);
size_t kmalloc_bytes(const void *object); /* that an object of either kind takes */
char *kstrdup(const char *s);

void slab_init(void);

/* "name objects-in-use objects size frames" lines. */
size_t slab_stats_text(char *buf, size_t size);
