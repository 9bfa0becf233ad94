/* SPDX-License-Identifier: MIT
 *
 * How many pages the ring of a pipe has.
 */
#pragma once

#include "kernel/lib/base.h"

struct pipe;

/* Give the ring `count` pages, a power of two; its bytes stay.  The caller holds p->lock.  0,
 * -ENOMEM, or -EBUSY: the bytes need more, with a page for a splice() that is about to write. */
int pipe_set_count(struct pipe *p, u32 count);
