/* SPDX-License-Identifier: MIT
 *
 * The order is right, but the second lock of the class is taken like a first one: the checker
 * cannot know that there is an order.
 */

static void bucket_lock_two(struct futex_bucket *a, struct futex_bucket *b)
{
	spin_lock(a < b ? &a->lock : &b->lock);
	if (a != b)
		spin_lock(a < b ? &b->lock : &a->lock);
}
