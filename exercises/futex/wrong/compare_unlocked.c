/* SPDX-License-Identifier: MIT
 *
 * The word is compared before the lock of the bucket is taken: a waker that comes between finds no
 * waiter, and its wake-up is lost.
 */

long futex_waiter_begin(struct futex_waiter *w, u64 address, bool shared, u32 expected, u32 bitset,
			bool *any_woken)
{
	struct futex_bucket *b;
	struct futex_key key;
	u32 value;

	if (!bitset)
		return -EINVAL;
	for (;;) {
		if (address % 4)
			return -EINVAL;
		if (!get_user_u32_nofault(&value, (u32 *)address))
			break;
		if (fault_in_user(address, false))
			return -EFAULT;
		if (thread_interrupted(WAIT_KILLABLE))
			return -EINTR;
	}
	b = futex_bucket_lock(address, shared, &key);
	if (IS_ERR(b))
		return PTR_ERR(b);
	if (value == expected) {
		futex_waiter_enqueue(w, b, &key, bitset, 0);
		w->any_woken = any_woken;
	} else {
		this_cpu_ptr(futex_counters)->waits_refused++;
	}
	spin_unlock(&b->lock);
	return value == expected ? 0 : -EAGAIN;
}
