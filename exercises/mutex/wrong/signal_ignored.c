/* SPDX-License-Identifier: MIT
 *
 * The result of the sleep is not looked at: a thread that is to be killed goes on waiting.
 */

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
		if (unlikely(thread_seed(current_thread())) && !wait_flags)
			seed_wait_for_lock(&m->queue, &m->guard);
		else
			(void)wait_sleep(&m->queue, &m->guard, WAIT_FOREVER, wait_flags);
	}
	__atomic_fetch_sub(&m->waiters, 1, __ATOMIC_SEQ_CST);
	spin_unlock(&m->guard);
	if (result)
		lockdep_release(m, true);
	return result;
}
