/* SPDX-License-Identifier: MIT
 *
 * The sleeping reader-writer lock.  New readers wait while a writer waits, so that the writer is
 * not delayed for ever.  `holders` alone says whether the lock is free, as in mutex.c; the guard
 * only orders a waiter's last test of it against the wake-up.
 */
#include "kernel/sync/lockdep.h"
#include "kernel/task/mutex.h"
#include "kernel/task/probe.h"
#include "kernel/task/sched.h"

static struct lock_class rwlock_guard_class = {"rwlock guard", 0};

void rwlock_init(struct rwlock *l, struct lock_class *class)
{
	*l = (struct rwlock){.class = class};
	spinlock_init(&l->guard, &rwlock_guard_class);
	wait_queue_init(&l->readers_queue, "rwlock");
	wait_queue_init(&l->writers_queue, "rwlock");
}

static bool try_read(struct rwlock *l)
{
	s32 holders = __atomic_load_n(&l->holders, __ATOMIC_RELAXED);

	do {
		if (holders < 0 || __atomic_load_n(&l->writers_waiting, __ATOMIC_RELAXED))
			return false;
	} while (!__atomic_compare_exchange_n(&l->holders, &holders, holders + 1, false,
					      __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
	return true;
}

static bool try_write(struct rwlock *l)
{
	s32 none = 0;

	return __atomic_compare_exchange_n(&l->holders, &none, -1, false, __ATOMIC_SEQ_CST,
					   __ATOMIC_RELAXED);
}

/* The lock was taken a moment ago.  Out of line, since this is rare.  `waiters` must be visible
 * before `holders` is tested again: both are full barriers, and so is each change of `holders` by a
 * thread that releases the lock, which reads `waiters` after it.  So either we see the lock free,
 * or that thread sees us waiting, and gets the guard only when we are in the queue.  A reader that
 * fails because of `writers_waiting` alone is woken too: that writer takes the lock, or has taken
 * it, and releases it after we are counted in `waiters`. */
static void __noinline acquire_slowly(struct rwlock *l, struct wait_queue *q,
				      bool (*try)(struct rwlock *l))
{
	bool write = q == &l->writers_queue;

	spin_lock(&l->guard);
	__atomic_fetch_add(&l->waiters, 1, __ATOMIC_SEQ_CST);
	WRITE_ONCE(l->writers_waiting, l->writers_waiting + write);
	while (!try(l)) {
		if (unlikely(thread_seed(current_thread())))
			seed_wait_for_lock(q, &l->guard);
		else
			(void)wait_sleep(q, &l->guard, WAIT_FOREVER, 0);
	}
	WRITE_ONCE(l->writers_waiting, l->writers_waiting - write);
	__atomic_fetch_sub(&l->waiters, 1, __ATOMIC_SEQ_CST);
	spin_unlock(&l->guard);
}

/* The lock is free, and threads wait: a writer goes first. */
static void __noinline wake_waiters(struct rwlock *l)
{
	u32 writers;

	spin_lock(&l->guard);
	writers = l->writers_waiting;
	spin_unlock(&l->guard);
	if (writers)
		wait_wake_one(&l->writers_queue);
	else
		wait_wake_all(&l->readers_queue); /* without the guard, for they may be many */
}

void rwlock_read_lock(struct rwlock *l)
{
	might_sleep();
	lockdep_acquire(l->class, l, __builtin_return_address(0), LOCKDEP_SLEEPING);
	if (unlikely(!try_read(l)))
		acquire_slowly(l, &l->readers_queue, try_read);
}

void rwlock_read_unlock(struct rwlock *l)
{
	s32 holders;

	lockdep_release(l, true);
	holders = __atomic_sub_fetch(&l->holders, 1, __ATOMIC_SEQ_CST);
	require(holders >= 0);
	if (unlikely(__atomic_load_n(&l->waiters, __ATOMIC_SEQ_CST)) && !holders)
		wake_waiters(l);
}

void rwlock_write_lock(struct rwlock *l)
{
	might_sleep();
	lockdep_acquire(l->class, l, __builtin_return_address(0), LOCKDEP_SLEEPING);
	if (unlikely(!try_write(l)))
		acquire_slowly(l, &l->writers_queue, try_write);
	WRITE_ONCE(l->writer, current_thread());
}

void rwlock_write_unlock(struct rwlock *l)
{
	require(l->writer == current_thread());
	lockdep_release(l, true);
	WRITE_ONCE(l->writer, NULL);
	__atomic_store_n(&l->holders, 0, __ATOMIC_SEQ_CST);
	if (unlikely(__atomic_load_n(&l->waiters, __ATOMIC_SEQ_CST)))
		wake_waiters(l);
}
