/* SPDX-License-Identifier: MIT
 *
 * Memory before the frame allocator works.
 */
#pragma once

#include "kernel/lib/base.h"

#define EARLY_LIMIT (4UL << 30) /* the end of what boot.S has mapped */

/* Find the first range of free frames at or above *start, and store it in *start and *end.  Free is
 * usable RAM, except frames that early_frame_alloc() has returned.  (The image, modules, the boot
 * information, the trampoline's page and the lowest 64 KiB are not usable.)  Returns false if there
 * is no more.  To visit all ranges, begin with *start 0 and continue from *end. */
bool boot_range_next(paddr_t *start, paddr_t *end);

/* Allocate the lowest free frame between 1 MiB and 4 GiB, zeroed.  Only before page_init().  Panics
 * if there is none. */
paddr_t early_frame_alloc(void);

/* page_init() takes over the remaining frames; early_frame_alloc() must not be called after that.
 */
void early_frames_end(void);

/* Returns how many frames early_frame_alloc() has returned. */
u64 early_frame_count(void);
