/* SPDX-License-Identifier: MIT
 *
 * mutex_unlock() wakes first and frees the mutex afterwards: the thread that is woken may find it
 * held, and sleeps again for ever.
 */

void mutex_unlock(struct mutex *m)
{
	require(mutex_held(m));
	lockdep_release(m, true);
	if (unlikely(__atomic_load_n(&m->waiters, __ATOMIC_SEQ_CST))) {
		spin_lock(&m->guard);
		wait_wake_one(&m->queue);
		spin_unlock(&m->guard);
	}
	__atomic_store_n(&m->owner, NULL, __ATOMIC_SEQ_CST);
}
