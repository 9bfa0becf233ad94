/* SPDX-License-Identifier: MIT
 *
 * Queues of pending signals: removing entries.  signal.c adds them.
 */
#include "kernel/mem/slab.h"
#include "kernel/task/internal.h"
#include "kernel/task/probe.h"

void signal_entry_free(struct process *p, struct queued_signal *entry)
{
	list_remove(&entry->link);
	if (entry->preallocated) {
		entry->last_overrun = entry->info.timer.overrun;
		return;
	}
	(void)user_count_signal(p, -1, 0);
	kfree(entry);
}

void signal_queue_discard(struct process *p, struct list *queue, sigset_t *pending, sigset_t set)
{
	struct queued_signal *entry, *next;

	if (!(*pending & set))
		return;
	*pending &= ~set;
	list_for_each_safe (entry, next, queue, link)
		if (SIGNAL_BIT(entry->info.signo) & set)
			signal_entry_free(p, entry);
}

void signal_flush_queue(struct process *p, struct list *queue)
{
	sigset_t all = ~0UL;

	signal_queue_discard(p, queue, &all, ~0UL);
}
