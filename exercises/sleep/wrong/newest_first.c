/* SPDX-License-Identifier: MIT
 *
 * wait_wake_one() begins at the wrong end of the queue: it wakes the waiter that came last, and
 * the first may wait for ever.
 */

void wait_wake_one(struct wait_queue *q)
{
	u64 flags = spin_lock_irq(&q->lock);

	while (!list_empty(&q->waiters))
		if (wake_waiter(container_of(q->waiters.prev, struct waiter, link)))
			break;
	spin_unlock_irq(&q->lock, flags);
}
