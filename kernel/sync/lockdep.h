/* SPDX-License-Identifier: MIT
 *
 * The lock-order checker of debug builds: every pair "B taken while A is held" is recorded once as
 * an edge between classes; taking a lock that closes a circle stops the kernel and names both
 * places.  Also found: a lock taken twice, a lock taken with interrupts on that an interrupt
 * handler took before (or the other way round).
 */
#pragma once

#include "kernel/sync/spinlock.h"

/* Called by the locks.  `irqs_were_on`: state before the lock was taken; `sleeping`: a mutex.
 * `nested`: two of one class may be held, their order being given otherwise. */
void lockdep_acquire(struct lock_class *class, const void *lock, const void *where,
		     bool irqs_were_on, bool sleeping, bool nested);
void lockdep_release(struct lock_class *class, const void *lock);

/* Two locks of one class, the caller knowing their order (by address): for the second. */
void spin_lock_nested(struct spinlock *lock);
