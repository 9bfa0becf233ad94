/* SPDX-License-Identifier: MIT
 *
 * Waiting on many queues at once.
 */
#include "kernel/linux/poll/poll_wait.h"

#include "arch/x86_64/cpu/percpu.h"

/* Lock order: a file's wait queue, then poll_waits.lock, then the lock of poll_waits.queue.  That
 * queue has a class of its own, since it is woken under the lock of another queue. */
static struct lock_class waits_class = {"poll table", 0};
static struct lock_class queue_class = {"poll table queue", 0};

/* Called under the lock of the queue that is woken, in any context. */
static void poll_wake(struct waiter *waiter)
{
	struct poll_waits *w = container_of(container_of(waiter, struct poll_entry, waiter)->all,
					    struct poll_waits, entries);
	u64 flags = spin_lock_irq(&w->lock);

	w->triggered = true;
	wait_wake_one(&w->queue);
	spin_unlock_irq(&w->lock, flags);
}

void poll_waits_init(struct poll_waits *w)
{
	*w = (struct poll_waits){0};
	poll_entries_init(&w->entries, poll_wake);
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
