/* SPDX-License-Identifier: MIT
 *
 * Waiting on many queues at once.
 */
#include "kernel/linux/poll/poll_wait.h"

#include "arch/x86_64/cpu/percpu.h"
#include "kernel/lib/errno.h"
#include "kernel/mem/slab.h"

/* Lock order: a file's wait queue, then poll_waits.lock, then the lock of poll_waits.queue.  That
 * queue has a class of its own, since it is woken under the lock of another queue. */
static struct lock_class waits_class = {"poll table", 0};
static struct lock_class queue_class = {"poll table queue", 0};

/* Called under the lock of the queue that is woken, in any context. */
static void poll_wake(struct waiter *waiter)
{
	struct poll_waits *w = container_of(waiter, struct poll_entry, waiter)->waits;
	u64 flags = spin_lock_irq(&w->lock);

	w->triggered = true;
	wait_wake_one(&w->queue);
	spin_unlock_irq(&w->lock, flags);
}

static void poll_add(struct poll_table *table, struct wait_queue *q)
{
	struct poll_waits *w = container_of(table, struct poll_waits, table);
	struct poll_entry *e;

	if (w->only_look || w->error)
		return;
	e = kzalloc(sizeof(*e));
	if (!e) {
		w->error = -ENOMEM;
		return;
	}
	list_init(&e->waiter.link);
	e->waiter.thread = current_thread();
	e->waiter.wake = poll_wake;
	e->queue = q;
	e->waits = w;
	e->next = w->entries;
	w->entries = e;
	wait_queue_add(q, &e->waiter);
}

void poll_waits_init(struct poll_waits *w)
{
	*w = (struct poll_waits){.table.add = poll_add};
	spinlock_init(&w->lock, &waits_class);
	wait_queue_init(&w->queue, "poll");
	spinlock_init(&w->queue.lock, &queue_class);
}

int poll_waits_sleep(struct poll_waits *w, u64 deadline_ns)
{
	int result = 0;
	u64 flags = spin_lock_irq(&w->lock);

	while (!w->triggered && !result)
		result = wait_sleep_irq(&w->queue, &w->lock, deadline_ns, WAIT_SIGNALS);
	if (w->triggered)
		result = 0;
	w->triggered = false;
	spin_unlock_irq(&w->lock, flags);
	return result;
}

/* Remove a waiter; nothing happens if it has been removed already. */
static void wait_queue_remove(struct wait_queue *q, struct waiter *w)
{
	u64 flags = spin_lock_irq(&q->lock);

	list_remove(&w->link);
	spin_unlock_irq(&q->lock, flags);
}

void poll_waits_release(struct poll_waits *w)
{
	while (w->entries) {
		struct poll_entry *e = w->entries;

		w->entries = e->next;
		wait_queue_remove(e->queue, &e->waiter);
		kfree(e);
	}
}
