/* SPDX-License-Identifier: MIT
 *
 * The loop ends one waiter too late: a mutex that wakes one thread wakes two.
 */

/* Wake up to `count` waiters of a word, the longest waiting first.  Returns the number woken.
 * -EINVAL: the first waiter waits for a PI lock.  The caller holds the lock of the bucket. */
static long bucket_wake(struct futex_bucket *b, const struct futex_key *key, u32 count, u32 bitset)
{
	struct futex_waiter *w, *next;
	u32 n = 0;

	list_for_each_safe (w, next, &b->waiters, link) {
		if (n > count)
			break;
		if (!futex_key_equal(&w->key, key))
			continue;
		if (w->owner)
			return n ? (long)n : -EINVAL;
		if (!(w->bitset & bitset))
			continue;
		futex_waiter_wake(w, false);
		n++;
	}
	return n;
}
