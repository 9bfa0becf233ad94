/* SPDX-License-Identifier: MIT
 *
 * Between futex.c and the locks of kernel/linux/futex.  A waiter lies on its own stack, in the bucket of its word's key.
 * Of two buckets that with the lower address is locked first.
 */
#pragma once

#include "kernel/ipc/futex.h"
#include "kernel/task/thread.h"

#define FUTEX_BUCKETS 256

struct futex_bucket {
	struct spinlock lock;
	struct list waiters; /* longest waiting first */
} __aligned(64);

struct futex_waiter {
	struct list link;	     /* under the bucket's lock */
	struct futex_bucket *bucket; /* changed under both buckets' locks */
	struct futex_key key;
	u32 bitset;
	tid_t owner; /* PI: for whose lock; 0: an ordinary waiter */
	struct thread *thread;
	bool woken;	 /* set under the bucket's lock */
	bool owner_died; /* PI: woken to look again, not as the new owner */
};

extern struct futex_bucket futex_buckets[FUTEX_BUCKETS];

/* The bucket of a word's key, locked: ERR_PTR(-EINVAL, -EFAULT). */
struct futex_bucket *futex_bucket_lock(u64 address, bool shared, struct futex_key *key);
bool futex_key_equal(const struct futex_key *a, const struct futex_key *b);

/* Both under the bucket's lock.  Once that is released, one that was woken may be gone. */
void futex_waiter_enqueue(struct futex_waiter *w, struct futex_bucket *b,
			  const struct futex_key *key, u32 bitset, tid_t owner);
void futex_waiter_wake(struct futex_waiter *w, bool owner_died);

/* Sleep until woken, or leave the bucket: 0, -ETIMEDOUT, -EINTR.  A wake-up wins over both. */
int futex_waiter_sleep(struct futex_waiter *w, u64 deadline_ns);
