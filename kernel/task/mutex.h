/* SPDX-License-Identifier: MIT
 *
 * Sleeping locks: a mutex with an owner, and a reader-writer lock that prefers writers.  Not for
 * interrupt handlers, nor under a spinlock.  In the lock-order checker like spinlocks.
 */
#pragma once

#include "kernel/task/wait.h"

struct mutex {
	struct thread *owner; /* NULL: free; changed by compare and exchange alone */
	u32 waiters;	      /* threads that wait or are about to */
	struct spinlock guard; /* between a waiter that looks once more and whoever wakes it */
	struct wait_queue queue;
	struct lock_class *class;
};

void mutex_init(struct mutex *m, struct lock_class *class);
void mutex_lock(struct mutex *m);

/* A second mutex of its class, the caller knowing their order. */
void mutex_lock_nested(struct mutex *m);

/* 0, or -EINTR where a signal that kills came first. */
int __must_check mutex_lock_killable(struct mutex *m);

/* 0, or -EINTR if any signal came first. */
int __must_check mutex_lock_interruptible(struct mutex *m);
bool __must_check mutex_trylock(struct mutex *m);
void mutex_unlock(struct mutex *m);
bool mutex_held(const struct mutex *m);

#define MUTEX_INIT(m, lock_class)                                                                  \
	{NULL, 0, SPINLOCK_INIT(&mutex_guard_class), WAIT_QUEUE_INIT((m).queue, "mutex"), (lock_class)}
extern struct lock_class mutex_guard_class;

struct rwlock {
	s32 holders; /* > 0: readers, -1: a writer */
	u32 writers_waiting;
	struct thread *writer;
	struct spinlock guard; /* guards all of this */
	struct wait_queue readers_queue, writers_queue;
	struct lock_class *class;
};

void rwlock_init(struct rwlock *l, struct lock_class *class);
void rwlock_read_lock(struct rwlock *l);
void rwlock_read_unlock(struct rwlock *l);
void rwlock_write_lock(struct rwlock *l);
void rwlock_write_unlock(struct rwlock *l);
bool rwlock_held_for_write(const struct rwlock *l);
