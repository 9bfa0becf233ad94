/* SPDX-License-Identifier: MIT
 *
 * The lock-order checker of debug builds: every pair "B taken while A is held" is recorded once as
 * an edge between classes; taking a lock that closes a circle stops the kernel and names both
 * places.  Also found: a lock taken twice, and a class that interrupt handlers take being taken
 * with interrupts on.  These are its probes; the checker is the extension kernel/watch/lockdep.  In
 * other builds, or without it, they fold to nothing.
 */
#pragma once

#include "kernel/lib/extensions.h"
#include "kernel/sync/spinlock.h"

#define LOCKDEP (HEDDLE_DEBUG && WITH_LOCKDEP)

#define LOCKDEP_HELD_MAX (LOCKDEP ? 12 : 1)

struct held_lock {
	const void *lock;
	const struct lock_class *class;
	const void *where;
};

/* Locks held by one CPU (spinlocks) or one thread (sleeping locks), oldest first. */
struct held_locks {
	u32 count;
	struct held_lock held[LOCKDEP_HELD_MAX];
};

/* Record that the calling CPU or, with LOCKDEP_SLEEPING, the calling thread takes or releases a lock.
 * `class` NULL: an attempt that does not wait, and so makes no edge.  Called by the two functions
 * below alone, in debug builds. */
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
