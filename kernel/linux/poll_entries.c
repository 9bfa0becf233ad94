/* SPDX-License-Identifier: MIT
 *
 * Entries in the wait queues of files.
 */
#include "kernel/linux/poll_entries.h"

#include "kernel/lib/errno.h"
#include "kernel/mem/slab.h"
#include "kernel/task/sched.h"

static void entry_add(struct poll_table *table, struct wait_queue *q, u32 bits)
{
	struct poll_entries *all = container_of(table, struct poll_entries, table);
	struct poll_entry *e;

	if (all->only_look || all->error || !poll_concerns(all->wanted, bits))
		return;
	e = kzalloc(sizeof(*e));
	if (!e) {
		all->error = -ENOMEM;
		return;
	}
	list_init(&e->waiter.link);
	e->waiter.thread = current_thread();
	e->waiter.wake = all->wake;
	e->waiter.exclusive = all->exclusive;
	e->queue = q;
	e->bits = bits;
	e->all = all;
	e->next = all->first;
	all->first = e;
	wait_queue_add(q, &e->waiter);
}

void poll_entries_init(struct poll_entries *all, void (*wake)(struct waiter *w))
{
	*all = (struct poll_entries){.table.add = entry_add, .wake = wake};
}

void poll_entries_release(struct poll_entries *all)
{
	while (all->first) {
		struct poll_entry *e = all->first;

		all->first = e->next;
		wait_queue_remove(e->queue, &e->waiter);
		kfree(e);
	}
}
