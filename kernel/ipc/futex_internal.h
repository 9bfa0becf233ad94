/* SPDX-License-Identifier: MIT
 *
 * Between futex.c and the locks of kernel/linux/futex.  A waiter's structure lies on the stack of
 * the thread that waits, in a list of the bucket that the key of its word leads to.  Lock order of
 * two buckets: the lower address first.
 */
#pragma once

#include "kernel/ipc/futex.h"
#include "kernel/task/thread.h"

#define FUTEX_BUCKET_BITS 8
#define FUTEX_BUCKETS	  (1U << FUTEX_BUCKET_BITS)

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

/* Find the bucket of a word and lock it: the bucket, or ERR_PTR(-EINVAL, -EFAULT). */
struct futex_bucket *futex_bucket_lock(u64 address, bool shared, struct futex_key *key);
bool futex_key_equal(const struct futex_key *a, const struct futex_key *b);

/* The caller holds the lock of the bucket.  Once it is released, the structure of a woken waiter
 * may be gone. */
void futex_waiter_enqueue(struct futex_waiter *w, struct futex_bucket *b,
			  const struct futex_key *key, u32 bitset, tid_t owner);
void futex_waiter_wake(struct futex_waiter *w, bool owner_died);

/* Sleep until woken (0), the deadline (-ETIMEDOUT) or a signal (-EINTR); the waiter is in no bucket
 * then.  If a wake-up comes at the same time, the result is 0. */
int futex_waiter_sleep(struct futex_waiter *w, u64 deadline_ns);
