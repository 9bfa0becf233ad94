/* SPDX-License-Identifier: MIT
 *
 * The memory that files may take.
 */
#pragma once

#include "kernel/mem/page.h"

/* All files together may take this share of the memory (vm_object_page()). */
static inline u64 content_limit(const struct page_stats *s)
{
	return s->total / 2;
}

/* The pages that they can get now. */
static inline u64 content_room(const struct page_stats *s)
{
	u64 limit = content_limit(s), used = s->used[PAGE_FILE];

	return MIN(limit - MIN(limit, used), s->free);
}
