/* SPDX-License-Identifier: MIT
 *
 * The objects behind signals: entries of the queues of pending signals, which signal.c adds and
 * which are removed here, and the table of actions, which processes can share.
 */
#include "kernel/lib/string.h"
#include "kernel/mem/slab.h"
#include "kernel/task/internal.h"
#include "kernel/task/probe.h"

void signal_entry_free(struct process *p, struct queued_signal *entry)
{
	list_remove(&entry->link);
	list_remove(&entry->same);
	if (entry->preallocated) {
		entry->last_overrun = entry->info.timer.overrun;
		return;
	}
	(void)user_count_signal(p, -1, 0);
	if (entry != &p->signals.first)
		kfree(entry);
}

bool signal_queue_discard(struct process *p, struct list *queue, sigset_t *pending, sigset_t set)
{
	struct queued_signal *entry;
	u32 n = 0;

	if (!(*pending & set))
		return false;
	while ((entry = signal_queue_find(queue, set))) {
		if (n++ == DISCARD_BATCH)
			return true;
		signal_entry_free(p, entry);
	}
	*pending &= ~set;
	return false;
}

void signal_flush_queue(struct process *p, struct list *queue)
{
	while (!list_empty(queue)) {
		u64 flags = spin_lock_irq(&p->signals.lock);

		for (u32 n = 0; n < DISCARD_BATCH && !list_empty(queue); n++)
			signal_entry_free(p, list_first(queue, struct queued_signal, link));
		spin_unlock_irq(&p->signals.lock, flags);
	}
}

/* --- Actions ---------------------------------------------------------------------------------- */

static struct lock_class actions_class = {"signal actions", 0};

struct sigaction signal_action_get(const struct signal_actions *a, int signal)
{
	typeof(&a->of[0]) of = &a->of[signal - 1];

	return (struct sigaction){of->handler, a->flags[signal - 1], of->restorer, of->mask};
}

struct sigaction signal_action_of(struct signal_actions *a, int signal, bool taken)
{
	u64 flags = spin_lock_irq(&a->lock);
	struct sigaction action = signal_action_get(a, signal);

	if (taken && action.handler > SIG_IGN && action.flags & SA_RESETHAND)
		WRITE_ONCE(a->of[signal - 1].handler, SIG_DFL);
	spin_unlock_irq(&a->lock, flags);
	return action;
}

struct signal_actions *signal_actions_copy(struct signal_actions *from)
{
	struct signal_actions *a = from ? kmalloc(sizeof(*a)) : kzalloc(sizeof(*a));
	u64 flags;

	if (!a)
		return NULL;
	refcount_init(&a->refs, 1);
	spinlock_init(&a->lock, &actions_class);
	if (!from)
		return a;
	flags = spin_lock_irq(&from->lock);
	a->set = from->set;
	memcpy(a->of, from->of, sizeof(a->of));
	memcpy(a->flags, from->flags, sizeof(a->flags));
	spin_unlock_irq(&from->lock, flags);
	return a;
}

void signal_actions_put(struct signal_actions *a)
{
	if (a && refcount_put(&a->refs))
		kfree(a);
}

void signal_actions_reset(struct signal_actions *a)
{
	for (sigset_t left = a->set; left; left &= left - 1) {
		u32 i = (u32)__builtin_ctzl(left);

		a->of[i] =
		    (typeof(a->of[0])){.handler = a->of[i].handler == SIG_IGN ? SIG_IGN : SIG_DFL};
		a->flags[i] = 0;
	}
}
