/* SPDX-License-Identifier: MIT
 *
 * The interface between futex.c and kernel/linux/futex.  The structure of a waiter lies on the
 * stack of the thread that waits.  It is in the list of the bucket that bucket_of() computes from
 * its key. Lock order of two buckets: the lower address first.
 */
#pragma once

#include "kernel/ipc/futex.h"
#include "kernel/task/thread.h"

#define FUTEX_BUCKET_BITS 8
#define FUTEX_BUCKETS	  (1U << FUTEX_BUCKET_BITS)
#define BATCH		  32 /* waiters of a walk, between two calls of bucket_pause() */

struct futex_bucket {
	struct spinlock lock;
	struct list waiters; /* longest waiting first */
} __aligned(64);

struct futex_waiter {
	struct list link;	     /* guarded by bucket->lock */
	struct futex_bucket *bucket; /* changes only under the locks of both buckets */
	struct futex_key key;
	u32 bitset;
	tid_t owner; /* of a priority-inheriting (PI) lock: the TID; 0: a futex_wait() */
	struct thread *thread;
	bool woken;	 /* set under bucket->lock, as the waker's last access to the structure */
	bool *any_woken; /* the same for all waiters of a thread; NULL: it has this one alone */
	bool owner_died; /* PI: woken to try again, not as the new owner */
};

extern struct futex_bucket futex_buckets[FUTEX_BUCKETS];

/* Find the bucket of a word and lock it.  Returns the bucket, or ERR_PTR(-EINVAL, -EFAULT).  Sets
 * *key. */
struct futex_bucket *futex_bucket_lock(u64 address, bool shared, struct futex_key *key);
bool futex_key_equal(const struct futex_key *a, const struct futex_key *b);

/* Add the calling thread to a bucket; wake a waiter, and note in it whether the owner died.  The
 * caller holds the lock of the bucket, and sets w->any_woken of a new waiter.  When
 * futex_waiter_wake() returns, the waiter may be gone, and its thread, too. */
void futex_waiter_enqueue(struct futex_waiter *w, struct futex_bucket *b,
			  const struct futex_key *key, u32 bitset, tid_t owner);
void futex_waiter_wake(struct futex_waiter *w, bool owner_died);

/* In a walk over the waiters of `a` that goes on at `next`: let others have the locks of both buckets
 * for a moment.  They find a waiter of no word there, which keeps the place, and one behind the last,
 * `end`, since the walk does not go to those that come now.  Returns where to go on.  The caller has
 * initialized end->link, and removes it from the list after the walk. */
struct futex_waiter *bucket_pause(struct futex_bucket *a, struct futex_bucket *b,
				  struct futex_waiter *next, struct futex_waiter *end);

/* Enqueue a waiter if the word is as expected.  0, or the errors of futex_wait() except
 * -ETIMEDOUT. */
long futex_waiter_begin(struct futex_waiter *w, u64 address, bool shared, u32 expected, u32 bitset,
			bool *any_woken);

/* Leave the bucket.  Returns whether the waiter has been woken. */
bool futex_waiter_end(struct futex_waiter *w);

/* Sleep until a wake-up (0), the deadline (-ETIMEDOUT) or a signal (-EINTR).  On return the waiter
 * is in no bucket.  If a wake-up coincides with the deadline or the signal, the result is 0. */
int futex_waiter_sleep(struct futex_waiter *w, u64 deadline_ns);
