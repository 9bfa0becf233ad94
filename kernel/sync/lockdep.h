/* SPDX-License-Identifier: MIT
 *
 * The lock-order checker of debug builds.  It records every pair "B is taken while A is held" as an
 * edge between the classes of the two locks.  A lock that would close a circle of edges is a panic
 * that names both places.  The checker also finds a lock that is taken twice, and a class that
 * interrupt handlers take but that is also taken with interrupts on.  These are its probes; the
 * checker is the extension kernel/watch/lockdep.  In other builds, or without it, they fold to
 * nothing.
 */
#pragma once

#include "kernel/sync/spinlock.h"

#define LOCKDEP (HEDDLE_DEBUG && WITH_LOCKDEP)

#define LOCKDEP_HELD_MAX (LOCKDEP ? 12 : 1)

struct held_lock {
	const void *lock;
	const struct lock_class *class;
	const void *where;
};

/* The locks that a CPU (spinlocks) or a thread (locks that sleep) holds, in the order of taking. */
struct held_locks {
	u32 count;
	struct held_lock held[LOCKDEP_HELD_MAX];
};

/* Record that the calling CPU or, with LOCKDEP_SLEEPING, the calling thread takes or releases a
 * lock. Taking is recorded before the wait for the lock.  `class` NULL: an attempt that does not
 * wait (a trylock), which adds no edge.  Only the two functions below call these, in debug builds.
 */
void lockdep_record_acquire(struct lock_class *class, const void *lock, const void *where,
			    u32 flags);
void lockdep_record_release(const void *lock, bool sleeping);

static __always_inline void lockdep_acquire(struct lock_class *class, const void *lock,
					    const void *where, u32 flags)
{
	if (LOCKDEP)
		lockdep_record_acquire(class, lock, where, flags);
}

static __always_inline void lockdep_release(const void *lock, bool sleeping)
{
	if (LOCKDEP)
		lockdep_record_release(lock, sleeping);
}
