/* SPDX-License-Identifier: MIT
 *
 * Waiting on many queues at once.
 */
#include "kernel/fs/poll.h"

#include "arch/x86_64/cpu/percpu.h"
#include "kernel/lib/errno.h"
#include "kernel/mem/slab.h"

/* Order: a file's wait queue, then the table, then the table's own queue.  The last is of another
 * class than other queues, for it is woken under one of them. */
static struct lock_class table_class = {"poll table", 0};
static struct lock_class table_queue_class = {"poll table queue", 0};

void poll_table_init(struct poll_table *t)
{
	*t = (struct poll_table){0};
	spinlock_init(&t->lock, &table_class);
	wait_queue_init(&t->queue, "poll");
	spinlock_init(&t->queue.lock, &table_queue_class);
}

/* Under the lock of the queue that is woken, in any context. */
static void poll_wake(struct waiter *w)
{
	struct poll_table *t = container_of(w, struct poll_entry, waiter)->table;
	u64 flags = spin_lock_irq(&t->lock);

	t->triggered = true;
	wait_wake_one(&t->queue);
	spin_unlock_irq(&t->lock, flags);
}

void poll_wait(struct poll_table *t, struct wait_queue *q)
{
	struct poll_entry *e;

	if (!t || t->only_look || t->error)
		return;
	e = kzalloc(sizeof(*e));
	if (!e) {
		t->error = -ENOMEM;
		return;
	}
	list_init(&e->waiter.link);
	e->waiter.thread = current_thread();
	e->waiter.wake = poll_wake;
	e->queue = q;
	e->table = t;
	e->next = t->entries;
	t->entries = e;
	wait_queue_add(q, &e->waiter);
}

int poll_table_sleep(struct poll_table *t, u64 deadline_ns)
{
	int result = 0;
	u64 flags = spin_lock_irq(&t->lock);

	while (!t->triggered && !result)
		result = wait_sleep_irq(&t->queue, &t->lock, deadline_ns, WAIT_SIGNALS);
	if (t->triggered)
		result = 0;
	t->triggered = false;
	spin_unlock_irq(&t->lock, flags);
	return result;
}

void poll_table_release(struct poll_table *t)
{
	while (t->entries) {
		struct poll_entry *e = t->entries;

		t->entries = e->next;
		wait_queue_remove(e->queue, &e->waiter);
		kfree(e);
	}
}
