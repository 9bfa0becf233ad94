/* SPDX-License-Identifier: MIT
 *
 * mutex_unlock() frees the mutex and wakes no thread: those that wait sleep for ever.
 */

void mutex_unlock(struct mutex *m)
{
	require(mutex_held(m));
	lockdep_release(m, true);
	__atomic_store_n(&m->owner, NULL, __ATOMIC_SEQ_CST);
}
