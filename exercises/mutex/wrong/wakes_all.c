/* SPDX-License-Identifier: MIT
 *
 * mutex_unlock() wakes all that wait: one gets the mutex, the others have been woken for nothing
 * and sleep again.
 */

void mutex_unlock(struct mutex *m)
{
	require(mutex_held(m));
	lockdep_release(m, true);
	__atomic_store_n(&m->owner, NULL, __ATOMIC_SEQ_CST);
	if (likely(!__atomic_load_n(&m->waiters, __ATOMIC_SEQ_CST)))
		return;
	spin_lock(&m->guard);
	wait_wake_all(&m->queue);
	spin_unlock(&m->guard);
}
