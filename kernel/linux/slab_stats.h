/* SPDX-License-Identifier: MIT
 *
 * What the slab allocator has.
 */
#pragma once

#include "kernel/lib/base.h"

/* Write a line "name objects-in-use objects size frames" for each cache.  Returns the length. */
size_t slab_stats_text(char *buf, size_t size);

size_t kmalloc_bytes(const void *object); /* the bytes that an object of kmalloc() occupies */
