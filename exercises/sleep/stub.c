/* SPDX-License-Identifier: MIT
 *
 * Exercise `sleep`: these functions stand in place of those of kernel/task/wait.c.  As they are, a
 * thread that waits never sleeps: it gives its CPU away and looks again, for ever.
 */

/* Wake the waiter that has waited longest: the first of q->waiters, by wake_waiter(), under q->lock
 * with interrupts off.  Poll entries, whose wake_waiter() returns false, lie before all waiters
 * that sleep: go on until wake_waiter() returns true. */
void wait_wake_one(struct wait_queue *q)
{
}

/* Sleep until *woken is true (0), clock_now_ns() has reached `deadline_ns` (-ETIMEDOUT), or a
 * signal that `flags` allow is there (-EINTR: thread_interrupted(flags)).  If several are true, the
 * first of this list is the answer.  `woken` may be NULL, and `deadline_ns` WAIT_FOREVER: then a
 * timer is not needed.
 *
 * While the thread sleeps, its state is THREAD_SLEEPING if WAIT_SIGNALS is set, else
 * THREAD_BLOCKED, and t->wait.flags has `flags`; afterwards it is THREAD_RUNNABLE and the flags are
 * 0.  schedule() gives the CPU away; it returns after a wake-up, which need not be for us.  A waker
 * first sets *woken and then wakes the thread, which does nothing if that is RUNNABLE: no wake-up
 * may be lost, whatever the moment at which it comes.  A struct sleep_timer on the
 * stack, with sleep_timer_fired(), wakes the thread at the deadline.  It must not fire after the
 * return. */
int sleep_until_woken(const bool *woken, u64 deadline_ns, u32 flags)
{
	(void)sleep_timer_fired;
	if (!woken || !__atomic_load_n(woken, __ATOMIC_ACQUIRE))
		sched_yield();
	return 0;
}

/* Put a struct waiter of the calling thread (exclusive) into `q`, release the guard, sleep by
 * sleep_until_woken(), and take the waiter out of the queue if no waker has done so.  t->wait.name
 * and t->wait.object say meanwhile where the thread sleeps: q->name and q; afterwards they are
 * NULL. Interrupts are enabled for the sleep (irq_enable(), after the guard is released).
 *
 * A waker changes the condition under the guard and then wakes the queue: it must find the waiter.
 * The waiter lies on this stack frame, and wake_waiter() uses it under q->lock.  If it has been
 * woken, the answer is 0 even if the deadline has passed as well: the waker counts on it.  The
 * guard is not held on return. */
static int wait_on(struct wait_queue *q, struct spinlock *guard, u64 deadline_ns, u32 flags)
{
	spin_unlock(guard);
	irq_enable(); /* wait_sleep_irq() has disabled them */
	return sleep_until_woken(NULL, deadline_ns, flags);
}
