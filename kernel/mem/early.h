/* SPDX-License-Identifier: MIT
 *
 * Memory as the boot loader left it.
 */
#pragma once

#include "kernel/lib/base.h"

/* The first run of whole frames at or above *start that is RAM and that nothing occupies: not the
 * image, a module, the boot information, the other CPUs' first page, the lowest 64 KiB, nor a frame
 * that early_frame_alloc() gave.  False where there is none. */
bool boot_range_next(paddr_t *start, paddr_t *end);

/* A zeroed frame from there, the lowest between 1 MiB and 4 GiB; before page_init() alone.  Stops the
 * kernel where there is none. */
paddr_t early_frame_alloc(void);

/* page_init() takes over what is left: no frame can be had from here any more. */
void early_frames_end(void);

/* How many frames early_frame_alloc() has given. */
u64 early_frame_count(void);
