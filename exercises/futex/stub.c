/* SPDX-License-Identifier: MIT
 *
 * Exercise `futex`: these functions stand in place of those of kernel/ipc/futex.c.  As they are, no
 * thread sleeps in a futex: the C library's locks try again and again, so programs work, slowly.
 */

/* Set *key to what the word at `address` is.  `shared`: other processes may wait for it, and may
 * have mapped it at another address; the key is then the mapped object and the offset in it, which
 * address_space_futex_key() knows.  Else it is the calling process's address space (as a number) and
 * the address.  0, or -EINVAL or -EFAULT if no word can be there. */
static __always_inline int key_get(u64 address, bool shared, struct futex_key *key)
{
	*key = (struct futex_key){0, address};
	return 0;
}

/* Do the two keys mean the same word? */
bool futex_key_equal(const struct futex_key *a, const struct futex_key *b)
{
	return false;
}

/* Sleep until a waker has set w->woken (0), until `deadline_ns` (-ETIMEDOUT) or a signal (-EINTR):
 * sleep_until_woken() with WAIT_SIGNALS.  Meanwhile current_thread()->wait.name is "futex".  Then
 * leave the bucket with futex_waiter_end(), since *w lies on the stack of the caller.  It says
 * whether a waker was faster: then the answer is 0, whatever the sleep said, for the waker has
 * counted this thread. */
int futex_waiter_sleep(struct futex_waiter *w, u64 deadline_ns)
{
	return -ETIMEDOUT;
}

/* Put the waiter into the bucket of the word at `address`, if the word is `expected` (0), else
 * -EAGAIN.  futex_bucket_lock() finds the bucket, takes its lock and sets the key;
 * futex_waiter_enqueue() adds the waiter (its last argument is 0 here), and after it w->any_woken
 * is set.  A waker changes the word first, then takes the lock of the bucket and looks for waiters:
 * no wake-up may be lost between the comparison and the enqueueing.
 *
 * Under the lock the word can only be read by get_user_u32_nofault(), which fails if the page is
 * not there.  Then release the lock, get the page by fault_in_user(address, false), whose failure
 * is -EFAULT, and begin again; -EINTR if thread_interrupted(WAIT_KILLABLE).  A `bitset` of 0 is
 * -EINVAL. Count in this_cpu_ptr(futex_counters)->waits_refused what did not sleep, before the lock
 * is released. */
long futex_waiter_begin(struct futex_waiter *w, u64 address, bool shared, u32 expected, u32 bitset,
			bool *any_woken)
{
	return -EAGAIN;
}

/* Wake up to `count` waiters of the word `key` whose bitset has a bit of `bitset`, the longest
 * waiting first, by futex_waiter_wake(w, false), which removes w from b->waiters.  Other words may
 * lie in the same bucket.  Returns the number woken.  A waiter whose `owner` is not 0 waits for a
 * priority-inheriting lock: it is not woken here; the answer is -EINVAL if it is the first waiter
 * of this word, else the number woken so far.  The caller holds the lock of the bucket, and that of
 * `other`, which may be the same.  (If thousands wait, others should get the locks now and then:
 * bucket_pause().  No check asks for it.) */
static long bucket_wake(struct futex_bucket *b, struct futex_bucket *other,
			const struct futex_key *key, u32 count, u32 bitset)
{
	return 0;
}
