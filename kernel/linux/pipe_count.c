/* SPDX-License-Identifier: MIT
 *
 * How many pages the ring of a pipe has.
 */
#include "kernel/linux/pipe_count.h"

#include "kernel/ipc/pipe_internal.h"
#include "kernel/lib/errno.h"
#include "kernel/mem/page.h"
#include "kernel/mem/slab.h"

int pipe_set_count(struct pipe *p, u32 count)
{
	u64 first = p->tail / PAGE_SIZE, end = DIV_ROUND_UP(p->head, PAGE_SIZE);
	struct page **pages;

	if (end - first + p->claimed[1] > count)
		return -EBUSY;
	pages = kzalloc(count * sizeof(*pages));
	if (!pages)
		return -ENOMEM;
	for (u64 i = first; i < end; i++) {
		struct page **old = &p->pages[i & (p->count - 1)];

		pages[i & (count - 1)] = *old;
		*old = NULL;
	}
	pipe_pages_free(p->pages, p->count);
	p->pages = pages;
	WRITE_ONCE(p->count, count);
	return 0;
}
