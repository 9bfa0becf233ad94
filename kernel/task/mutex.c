/* SPDX-License-Identifier: MIT
 *
 * Mutexes.  `owner` alone says whether the mutex is free; the guard only orders a waiter's last
 * test of it against the wake-up.
 */
#include "kernel/task/mutex.h"

#include "kernel/lib/errno.h"
#include "kernel/sync/lockdep.h"
#include "kernel/task/probe.h"
#include "kernel/task/sched.h"

struct lock_class mutex_guard_class = {"mutex guard", 0};

void mutex_init(struct mutex *m, struct lock_class *class)
{
	m->owner = NULL;
	m->waiters = 0;
	m->class = class;
	spinlock_init(&m->guard, &mutex_guard_class);
	wait_queue_init(&m->queue, "mutex");
}

static bool try_acquire(struct mutex *m)
{
	struct thread *nobody = NULL;

	return __atomic_compare_exchange_n(&m->owner, &nobody, current_thread(), false,
					   __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

/* Another thread holds the mutex, or did a moment ago.  Out of line, since this is rare. */
static __noinline int acquire_slowly(struct mutex *m, u32 wait_flags)
{
	int result = 0;

	spin_lock(&m->guard);
	/* Full barrier: `waiters` must be visible before `owner` is tested.  mutex_unlock() stores
	 * `owner` before it reads `waiters`, so either we see the mutex free or it sees us
	 * waiting. */
	__atomic_fetch_add(&m->waiters, 1, __ATOMIC_SEQ_CST);
	for (;;) {
		if (try_acquire(m)) {
			result = 0; /* also after a signal: mutex_unlock() may have woken us, and
				     * that wake-up must not be lost */
			break;
		}
		if (result)
			break;
		if (unlikely(thread_seed(current_thread())) && !wait_flags)
			seed_wait_for_lock(&m->queue, &m->guard);
		else
			result = wait_sleep(&m->queue, &m->guard, WAIT_FOREVER, wait_flags);
	}
	__atomic_fetch_sub(&m->waiters, 1, __ATOMIC_SEQ_CST);
	spin_unlock(&m->guard);
	if (result)
		lockdep_release(m, true);
	return result;
}

static inline int acquire(struct mutex *m, u32 wait_flags, const void *where, u32 lockdep)
{
	might_sleep();
	lockdep_acquire(m->class, m, where, LOCKDEP_SLEEPING | lockdep);
	return likely(try_acquire(m)) ? 0 : acquire_slowly(m, wait_flags);
}

void mutex_lock(struct mutex *m)
{
	(void)acquire(m, 0, __builtin_return_address(0), 0);
}

void mutex_lock_nested(struct mutex *m)
{
	(void)acquire(m, 0, __builtin_return_address(0), LOCKDEP_NESTED);
}

int mutex_lock_killable(struct mutex *m)
{
	return acquire(m, WAIT_KILLABLE, __builtin_return_address(0), 0);
}

int mutex_lock_interruptible(struct mutex *m)
{
	return acquire(m, WAIT_SIGNALS, __builtin_return_address(0), 0);
}

bool mutex_trylock(struct mutex *m)
{
	if (!try_acquire(m))
		return false;
	/* No class: an attempt that does not wait cannot cause a deadlock, so it sets no order. */
	lockdep_acquire(NULL, m, __builtin_return_address(0), LOCKDEP_SLEEPING);
	return true;
}

void mutex_unlock(struct mutex *m)
{
	require(mutex_held(m));
	lockdep_release(m, true);
	__atomic_store_n(&m->owner, NULL, __ATOMIC_SEQ_CST);
	if (likely(!__atomic_load_n(&m->waiters, __ATOMIC_SEQ_CST)))
		return;
	spin_lock(&m->guard);
	wait_wake_one(&m->queue);
	spin_unlock(&m->guard);
}

int mutex_wait(struct mutex *m, struct wait_queue *q, u64 deadline_ns)
{
	struct thread *t = current_thread();
	struct waiter w = {.thread = t, .exclusive = true};
	int result;

	t->wait = (struct thread_wait){q->name, q, 0};
	wait_queue_add(q, &w);
	mutex_unlock(m);
	result = sleep_until_woken(&w.woken, deadline_ns, WAIT_SIGNALS);
	if (!__atomic_load_n(&w.woken, __ATOMIC_ACQUIRE)) /* else a waker has done so */
		wait_queue_remove(q, &w);
	t->wait = (struct thread_wait){0};
	mutex_lock(m);
	return w.woken ? 0 : result; /* after a signal too: this wake-up must not be lost */
}

bool mutex_held(const struct mutex *m)
{
	return __atomic_load_n(&m->owner, __ATOMIC_RELAXED) == current_thread();
}
