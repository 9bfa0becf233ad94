/* SPDX-License-Identifier: MIT
 *
 * The waiter counts itself after it has tried: an unlock that comes between reads 0, and wakes no
 * thread.
 */

/* Another thread holds the mutex, or did a moment ago.  Out of line, since this is rare. */
static __noinline int acquire_slowly(struct mutex *m, u32 wait_flags)
{
	int result = 0;

	spin_lock(&m->guard);
	for (;;) {
		if (try_acquire(m)) {
			result = 0; /* also after a signal: mutex_unlock() may have woken us, and
				     * that wake-up must not be lost */
			break;
		}
		if (result)
			break;
		__atomic_fetch_add(&m->waiters, 1, __ATOMIC_SEQ_CST);
		if (unlikely(thread_seed(current_thread())) && !wait_flags)
			seed_wait_for_lock(&m->queue, &m->guard);
		else
			result = wait_sleep(&m->queue, &m->guard, WAIT_FOREVER, wait_flags);
		__atomic_fetch_sub(&m->waiters, 1, __ATOMIC_SEQ_CST);
	}
	spin_unlock(&m->guard);
	if (result)
		lockdep_release(m, true);
	return result;
}
