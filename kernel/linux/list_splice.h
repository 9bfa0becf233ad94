/* SPDX-License-Identifier: MIT
 *
 * Moving a whole list (kernel/lib/list.h).
 */
#pragma once

#include "kernel/lib/list.h"

/* Move all nodes of `from` to the back of `to`. */
static inline void list_splice(struct list *to, struct list *from)
{
	if (list_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	list_init(from);
}
