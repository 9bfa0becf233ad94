/* SPDX-License-Identifier: MIT
 *
 * If the page of the word is not there yet, the answer is -EFAULT, although the address is good.
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
		b = futex_bucket_lock(address, shared, &key);
		if (IS_ERR(b))
			return PTR_ERR(b);
		if (!get_user_u32_nofault(&value, (u32 *)address))
			break;
		spin_unlock(&b->lock);
		return -EFAULT;
	}
	if (value == expected) {
		futex_waiter_enqueue(w, b, &key, bitset, 0);
		w->any_woken = any_woken;
	} else {
		this_cpu_ptr(futex_counters)->waits_refused++;
	}
	spin_unlock(&b->lock);
	return value == expected ? 0 : -EAGAIN;
}
