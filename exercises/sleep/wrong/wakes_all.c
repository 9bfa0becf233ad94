/* SPDX-License-Identifier: MIT
 *
 * wait_wake_one() does not stop after the first waiter that it has woken: it wakes all.
 */

void wait_wake_one(struct wait_queue *q)
{
	u64 flags = spin_lock_irq(&q->lock);
	struct waiter *w, *next;

	list_for_each_safe (w, next, &q->waiters, link)
		(void)wake_waiter(w);
	spin_unlock_irq(&q->lock, flags);
}
