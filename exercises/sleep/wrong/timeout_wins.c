/* SPDX-License-Identifier: MIT
 *
 * The deadline is tested before the wake-up, and a timeout is reported even if a waker has taken
 * the waiter from the queue: that wake-up has reached no thread.
 */

/* We set the state, then test the three conditions.  A waker sets the condition, then reads the
 * state.  So at least one of the two sees what the other did (thread_set_state()). */
int sleep_until_woken(const bool *woken, u64 deadline_ns, u32 flags)
{
	struct thread *t = current_thread();
	struct sleep_timer timer = {.thread = t};
	int result = 0;

	if (deadline_ns != WAIT_FOREVER) {
		timer_init(&timer.timer, sleep_timer_fired);
		timer_start(&timer.timer, deadline_ns);
	}
	WRITE_ONCE(t->wait.flags, flags);
	for (;;) {
		thread_set_state(flags & WAIT_SIGNALS ? THREAD_SLEEPING : THREAD_BLOCKED);
		if (deadline_ns != WAIT_FOREVER && clock_now_ns() >= deadline_ns) {
			result = -ETIMEDOUT;
			break;
		}
		if (woken && __atomic_load_n(woken, __ATOMIC_ACQUIRE))
			break;
		if (thread_interrupted(flags)) {
			result = -EINTR;
			break;
		}
		schedule();
	}
	thread_set_state(THREAD_RUNNABLE);
	WRITE_ONCE(t->wait.flags, 0);
	if (deadline_ns != WAIT_FOREVER)
		timer_cancel_sync(&timer.timer);
	return result;
}

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
	wait_queue_add(q, &w);
	spin_unlock(guard);
	irq_enable(); /* wait_sleep_irq() has disabled them */
	might_sleep();

	result = sleep_until_woken(&w.woken, deadline_ns, flags);

	irqs = spin_lock_irq(&q->lock);
	list_remove(&w.link);
	spin_unlock_irq(&q->lock, irqs);
	t->wait.name = NULL;
	t->wait.object = NULL;
	return result;
}
