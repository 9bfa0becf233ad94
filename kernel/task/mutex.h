/* SPDX-License-Identifier: MIT
 *
 * Sleeping locks: a mutex with an owner, and a reader-writer lock that prefers writers.  They must
 * not be taken in interrupt handlers or under a spinlock.  The lock-order checker knows them like
 * spinlocks.
 */
#pragma once

#include "kernel/task/wait.h"

struct mutex {
	struct thread *owner;  /* NULL: free.  Taken by compare and exchange, freed by one store */
	u32 waiters;	       /* threads that wait or are about to wait */
	struct spinlock guard; /* orders a waiter's last test of `owner` against the wake-up */
	struct wait_queue queue;
	struct lock_class *class;
};

void mutex_init(struct mutex *m, struct lock_class *class);

/* Take the mutex.  Sleeps, and no signal ends the sleep. */
void mutex_lock(struct mutex *m);

/* The same for a second mutex of the same class.  The caller must know an order of the two. */
void mutex_lock_nested(struct mutex *m);

/* Take the mutex: 0.  If a signal that kills arrives first: -EINTR.  Sleeps. */
int __must_check mutex_lock_killable(struct mutex *m);

/* The same, but any signal ends the sleep. */
int __must_check mutex_lock_interruptible(struct mutex *m);

/* Take the mutex if it is free, and return whether it was.  Does not sleep. */
bool __must_check mutex_trylock(struct mutex *m);

/* The caller holds the mutex.  Does not sleep. */
void mutex_unlock(struct mutex *m);

/* Release the mutex, sleep on `q` until a waker wakes the caller, and take the mutex again.  A
 * waker that changes the condition under the mutex, and then wakes `q`, cannot be missed: the
 * caller has tested the condition under the mutex, and is in the queue before it is released.
 * The queue must exist as long as a waker uses it, so wakers have a reference to what it lies in.
 * Returns 0, or -EINTR for a signal, or -ETIMEDOUT at `deadline_ns` (or WAIT_FOREVER).  Sleeps. */
int mutex_wait(struct mutex *m, struct wait_queue *q, u64 deadline_ns);

/* Does the calling thread hold the mutex? */
bool mutex_held(const struct mutex *m);

#define MUTEX_INIT(m, lock_class)                                                                  \
	{NULL, 0, SPINLOCK_INIT(&mutex_guard_class), WAIT_QUEUE_INIT((m).queue, "mutex"), (lock_class)}
extern struct lock_class mutex_guard_class;

struct rwlock {
	s32 holders;	     /* > 0: readers, -1: a writer; atomic */
	u32 writers_waiting; /* under `guard` */
	struct thread *writer;
	u32 waiters;	       /* threads that wait or are about to wait */
	struct spinlock guard; /* orders a waiter's last test of `holders` against the wake-up */
	struct wait_queue readers_queue, writers_queue;
	struct lock_class *class;
};

void rwlock_init(struct rwlock *l, struct lock_class *class);

/* Both lock functions sleep, and no signal ends the sleep.  A reader waits as long as a writer
 * holds the lock or waits for it, so a thread must not take the lock for reading twice. */
void rwlock_read_lock(struct rwlock *l);
void rwlock_read_unlock(struct rwlock *l);
void rwlock_write_lock(struct rwlock *l);
void rwlock_write_unlock(struct rwlock *l);
