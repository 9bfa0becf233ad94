/* SPDX-License-Identifier: MIT
 *
 * Wait queues.  Going to sleep takes the lock to release as an argument: whoever makes the
 * condition true under that lock and then wakes cannot be missed.
 */
#pragma once

#include "kernel/lib/list.h"
#include "kernel/sync/spinlock.h"

struct thread;

/* What a thread sleeps for.  Written by the thread itself; read by wakers (flags), /proc and the
 * debugger without a lock. */
struct thread_wait {
	const char *name; /* of the queue, or "futex", "sleep"; NULL while it does not sleep */
	void *object;	  /* the struct wait_queue, or NULL; for the debugger */
	u32 flags;	  /* WAIT_*: which signals end the sleep; 0: none */
};

struct wait_queue {
	struct spinlock lock;
	struct list waiters; /* struct waiter.link */
	const char *name;    /* what threads here wait for: "pipe", "child", ... */
};

/* One entry of one waiter.  Ordinary sleepers use wait_sleep(); poll hangs entries of its own on
 * many queues, with a function. */
struct waiter {
	struct list link;
	struct thread *thread;
	void (*wake)(struct waiter *w); /* NULL: wake the thread; called under the queue's lock */
	bool exclusive;			/* counts against wake_one() */
	bool woken;
};

#define WAIT_QUEUE_INIT(q, n) {SPINLOCK_INIT(&wait_queue_class), LIST_INIT((q).waiters), (n)}
extern struct lock_class wait_queue_class;

void wait_queue_init(struct wait_queue *q, const char *name);

#define WAIT_FOREVER	UINT64_MAX
#define WAIT_KILLABLE	1 /* ends with -EINTR only for a signal that kills */
#define WAIT_SIGNALS	2 /* ends with -EINTR for any signal to be delivered */

/* Sleep on `q` until woken.  The caller holds `guard` (taken by spin_lock(), interrupts on), has
 * looked at its condition, and looks again afterwards: `guard` is released while asleep and held
 * again on return.  `deadline_ns` is clock_now_ns() time or WAIT_FOREVER; `flags` 0 cannot be
 * interrupted.  0 (woken), -ETIMEDOUT, -EINTR.  Sleeps. */
int wait_sleep(struct wait_queue *q, struct spinlock *guard, u64 deadline_ns, u32 flags);

/* The same with a guard that was taken by spin_lock_irq(); released and taken again likewise. */
int wait_sleep_irq(struct wait_queue *q, struct spinlock *guard, u64 deadline_ns, u32 flags);

/* The same for a wait that only a device's speed ends: a seeded thread stays the holder of its group
 * meanwhile, so that this speed does not change the order of members. */
int wait_sleep_device(struct wait_queue *q, struct spinlock *guard, u64 deadline_ns, u32 flags);

/* Wake one (the longest waiting), or all.  Any context; the guard may be held or not. */
void wait_wake_one(struct wait_queue *q);
void wait_wake_all(struct wait_queue *q);

/* For poll: hang an entry on a queue, and take it off (harmless when it is off already). */
void wait_queue_add(struct wait_queue *q, struct waiter *w);
void wait_queue_remove(struct wait_queue *q, struct waiter *w);

/* Sleep until `deadline_ns` without a queue.  0 at the deadline, or -EINTR. */
int sleep_until(u64 deadline_ns, u32 flags);

/* For queues of other kinds: sleep until *woken, which is set before thread_wake(), the deadline or
 * a signal: 0, -ETIMEDOUT, -EINTR.  The waker sees to it that the thread still is when it wakes it. */
int sleep_until_woken(const bool *woken, u64 deadline_ns, u32 flags);
