/* SPDX-License-Identifier: MIT
 *
 * All waiters of the bucket are woken, also those of other words with the same hash.
 */

/* Wake up to `count` waiters of a word, the longest waiting first.  Returns the number woken.
 * -EINVAL: the first waiter waits for a PI lock.  The caller holds the lock of the bucket. */
static long bucket_wake(struct futex_bucket *b, const struct futex_key *key, u32 count, u32 bitset)
{
	struct futex_waiter *w, *next;
	u32 n = 0;

	list_for_each_safe (w, next, &b->waiters, link) {
		if (n >= count)
			break;
		if (w->owner)
			return n ? (long)n : -EINVAL;
		if (!(w->bitset & bitset))
			continue;
		futex_waiter_wake(w, false);
		n++;
	}
	return n;
}
