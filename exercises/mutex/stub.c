/* SPDX-License-Identifier: MIT
 *
 * Exercise `mutex`: these functions stand in place of those of kernel/task/mutex.c.  As they are,
 * the mutex excludes, but a thread that wants it never sleeps: it gives its CPU away and tries
 * again.
 */

/* Take the mutex for the calling thread if it is free (m->owner is NULL).  Returns whether it was.
 * Two threads may try at the same moment, on two CPUs or because the slice of the first is over:
 * one atomic operation has to test and to set.  It must be a full barrier (__ATOMIC_SEQ_CST). */
static bool try_acquire(struct mutex *m)
{
	bool was_free;

	spin_lock(&m->guard);
	was_free = !m->owner;
	if (was_free)
		m->owner = current_thread();
	spin_unlock(&m->guard);
	return was_free;
}

/* Another thread holds the mutex, or did a moment ago.  Sleep until the mutex is ours (0), or until
 * a signal ends the sleep that `wait_flags` allow (-EINTR).
 *
 * wait_sleep(&m->queue, &m->guard, WAIT_FOREVER, wait_flags) is called with the guard held; it
 * releases the guard during the sleep, and returns 0 or -EINTR.  m->waiters counts the threads that
 * wait or are about to wait: mutex_unlock() takes the guard and wakes only if it is not 0.  It
 * stores `owner` first and reads `waiters` second.  A thread here must not sleep while the mutex is
 * free. On return the guard is free, and `waiters` counts the thread no more.  After -EINTR tell
 * the lock-order checker that we do not hold the mutex: lockdep_release(m, true).
 *
 * A thread with a seed (thread_seed(current_thread())) for which wait_flags is 0 waits by
 * seed_wait_for_lock(&m->queue, &m->guard) in place of wait_sleep(): docs/seed.md. */
static __noinline int acquire_slowly(struct mutex *m, u32 wait_flags)
{
	while (!try_acquire(m))
		sched_yield();
	return 0;
}

/* Free the mutex, which the calling thread holds (require(mutex_held(m))), and wake the thread that
 * has waited longest, if one waits: wait_wake_one(&m->queue) under the guard.  The one that is
 * woken finds the mutex free, or another thread has been faster.  Tell the lock-order checker
 * before: lockdep_release(m, true).  If no thread waits, the guard is not needed. */
void mutex_unlock(struct mutex *m)
{
	require(mutex_held(m));
	lockdep_release(m, true);
	__atomic_store_n(&m->owner, NULL, __ATOMIC_SEQ_CST);
}
