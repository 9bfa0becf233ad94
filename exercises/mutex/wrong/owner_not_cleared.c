/* SPDX-License-Identifier: MIT
 *
 * mutex_unlock() wakes a waiter, but the owner stays in the mutex: it is never free again.
 */

void mutex_unlock(struct mutex *m)
{
	require(mutex_held(m));
	lockdep_release(m, true);
	if (likely(!__atomic_load_n(&m->waiters, __ATOMIC_SEQ_CST)))
		return;
	spin_lock(&m->guard);
	wait_wake_one(&m->queue);
	spin_unlock(&m->guard);
}
