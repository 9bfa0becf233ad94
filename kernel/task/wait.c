/* SPDX-License-Identifier: MIT
 *
 * Wait queues and timed sleeps.
 */
#include "kernel/task/wait.h"

#include "arch/x86_64/pc/clock.h"
#include "kernel/lib/errno.h"
#include "kernel/task/probe.h"
#include "kernel/task/sched.h"

#define WAKE_BATCH 16 /* threads to wake before interrupts are allowed for a moment */

struct lock_class wait_queue_class = {"wait queue", 0};

void wait_queue_add(struct wait_queue *q, struct waiter *w)
{
	u64 flags = spin_lock_irq(&q->lock);

	/* Exclusive waiters come after all others: wait_wake_one() reaches the others first. */
	list_push_back(w->exclusive ? &q->waiters : q->waiters.next, &w->link);
	spin_unlock_irq(&q->lock, flags);
}

void wait_queue_remove(struct wait_queue *q, struct waiter *w)
{
	u64 flags = spin_lock_irq(&q->lock);

	list_remove(&w->link);
	spin_unlock_irq(&q->lock, flags);
}

/* Wake one waiter.  Returns true if wait_wake_one() must stop after it.  q->lock is held. */
static __always_inline bool wake_waiter(struct waiter *w)
{
	bool exclusive = w->exclusive;
	struct thread *t = w->thread;

	if (w->wake) {
		w->wake(w);
		return exclusive && w->woken;
	}
	list_remove(&w->link);
	/* *w lies on the waiter's stack, and is not used after this.  The queue stays: wait_on()
	 * takes q->lock, which we hold, before it returns. */
	thread_wake_flagged(t, &w->woken);
	return exclusive;
}

/* What a waiter does that only marks a place in a queue. */
static void wake_nothing(struct waiter *mark)
{
}

/* Interrupts are on for a moment, unless the caller of the waker has them off.  Waiters may come
 * and go then; returns the one that is next afterwards, where `next` was before. */
static struct waiter *pause(struct wait_queue *q, struct waiter *next, u64 flags)
{
	struct waiter mark = {.wake = wake_nothing};

	list_push_back(&next->link, &mark.link);
	spin_unlock_irq(&q->lock, flags);
	(void)spin_lock_irq(&q->lock); /* the flags are the same */
	next = list_entry(mark.link.next, struct waiter, link);
	list_remove(&mark.link);
	return next;
}

void wait_wake_one(struct wait_queue *q)
{
	u64 flags = spin_lock_irq(&q->lock);
	struct waiter *w, *next;
	u32 n = 0;

	list_for_each_safe (w, next, &q->waiters, link) {
		if (wake_waiter(w))
			break;
		if (++n % WAKE_BATCH == 0)
			next = pause(q, next, flags);
	}
	spin_unlock_irq(&q->lock, flags);
}

void wait_wake_all(struct wait_queue *q)
{
	u64 flags = spin_lock_irq(&q->lock);
	struct waiter end = {.wake = wake_nothing}, *next;
	u32 n = 0;

	/* Threads that begin to wait later join behind `end`, or at the front. */
	list_push_back(&q->waiters, &end.link);
	for (struct waiter *w = list_first(&q->waiters, struct waiter, link); w != &end; w = next) {
		next = list_entry(w->link.next, struct waiter, link);
		wake_waiter(w);
		if (++n % WAKE_BATCH == 0)
			next = pause(q, next, flags);
	}
	list_remove(&end.link);
	spin_unlock_irq(&q->lock, flags);
}

void wait_wake_sleeper(struct wait_queue *q)
{
	u64 flags = spin_lock_irq(&q->lock), n = 0;
	struct waiter *w, *next;

	list_for_each_safe (w, next, &q->waiters, link)
		if (!w->wake && wake_waiter(w))
			break;
		else if (++n % WAKE_BATCH == 0) /* thousands may poll */
			next = pause(q, next, flags);
	spin_unlock_irq(&q->lock, flags);
}

struct sleep_timer {
	struct timer timer;
	struct thread *thread;
};

static void sleep_timer_fired(struct timer *timer)
{
	thread_wake(container_of(timer, struct sleep_timer, timer)->thread);
}

/* We set the state, then test the three conditions.  A waker sets the condition, then reads the
 * state.  So at least one of the two sees what the other did (thread_set_state()). */
__hot int sleep_until_woken(const bool *woken, u64 deadline_ns, u32 flags)
{
	struct thread *t = current_thread();
	struct sleep_timer timer; /* unused, and not initialized, without a deadline */
	int result = 0;

	if (deadline_ns != WAIT_FOREVER) {
		timer.thread = t;
		timer_init(&timer.timer, sleep_timer_fired);
		timer_start(&timer.timer, deadline_ns);
	}
	WRITE_ONCE(t->wait.flags, flags);
	while (!woken || !__atomic_load_n(woken, __ATOMIC_ACQUIRE)) {
		thread_set_state(flags & WAIT_SIGNALS ? THREAD_SLEEPING : THREAD_BLOCKED);
		if (woken && __atomic_load_n(woken, __ATOMIC_ACQUIRE))
			break;
		if (deadline_ns != WAIT_FOREVER && clock_now_ns() >= deadline_ns) {
			result = -ETIMEDOUT;
			break;
		}
		if (READ_ONCE(t->pending_work) && thread_interrupted(flags)) {
			result = -EINTR;
			break;
		}
		schedule();
	}
	WRITE_ONCE(t->state, THREAD_RUNNABLE); /* no barrier: no condition is tested after it */
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
	int result;

	assert_held(guard);
	assert(!t->is_idle);
	t->wait = (struct thread_wait){q->name, q, 0};
	wait_queue_add(q, &w);
	spin_unlock(guard);
	irq_enable(); /* wait_sleep_irq() has disabled them */
	might_sleep();

	result = sleep_until_woken(&w.woken, deadline_ns, flags);

	wait_queue_remove(q, &w);
	t->wait = (struct thread_wait){0};
	return w.woken ? 0 : result; /* after a signal too: this wake-up must not be lost */
}

int wait_sleep(struct wait_queue *q, struct spinlock *guard, u64 deadline_ns, u32 flags)
{
	int result = wait_on(q, guard, deadline_ns, flags);

	spin_lock(guard);
	return result;
}

int wait_sleep_irq(struct wait_queue *q, struct spinlock *guard, u64 deadline_ns, u32 flags)
{
	int result = wait_on(q, guard, deadline_ns, flags);

	/* The caller still has the flags of its own spin_lock_irq(), so ours are not needed. */
	(void)spin_lock_irq(guard);
	return result;
}

int sleep_until(u64 deadline_ns, u32 flags)
{
	struct thread *t = current_thread();
	int result;

	might_sleep();
	t->wait.name = "sleep";
	result = sleep_until_woken(NULL, deadline_ns, flags);
	t->wait.name = NULL;
	return result == -ETIMEDOUT ? 0 : result;
}
