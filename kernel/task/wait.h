/* SPDX-License-Identifier: MIT
 *
 * Wait queues.  wait_sleep() takes the lock to release as an argument: a waker that changes the
 * condition under that lock, and then wakes the queue, cannot be missed.
 */
#pragma once

#include "kernel/lib/list.h"
#include "kernel/sync/spinlock.h"

struct thread;

/* What a thread sleeps for.  Only the thread itself writes it.  Wakers (flags), /proc and the
 * debugger read it without a lock. */
struct thread_wait {
	const char *name; /* of the queue, or "futex" or "sleep"; NULL while it does not sleep */
	void *object;	  /* the struct wait_queue, or NULL; for the debugger */
	u32 flags;	  /* WAIT_*: which signals end the sleep; 0: none */
};

struct wait_queue {
	struct spinlock lock;
	struct list waiters; /* struct waiter.link */
	const char *name;    /* what threads here wait for: "pipe", "child", ... */
};

/* One waiter in one queue.  wait_sleep() has it on its stack.  poll() adds one with a function to
 * each of many queues. */
struct waiter {
	struct list link;
	struct thread *thread;
	void (*wake)(struct waiter *w); /* NULL: wake the thread; called under the queue's lock */
	bool exclusive;			/* wait_wake_one() stops after this waiter if it was woken */
	bool woken;			/* set by the waker, before it wakes the thread, or by `wake` */
};

#define WAIT_QUEUE_INIT(q, n) {SPINLOCK_INIT(&wait_queue_class), LIST_INIT((q).waiters), (n)}
extern struct lock_class wait_queue_class;

static inline void wait_queue_init(struct wait_queue *q, const char *name)
{
	spinlock_init(&q->lock, &wait_queue_class);
	list_init(&q->waiters);
	q->name = name;
}

#define WAIT_FOREVER	UINT64_MAX
#define WAIT_KILLABLE	1 /* a signal that kills ends the sleep with -EINTR, no other signal does */
#define WAIT_SIGNALS	2 /* any signal that is to be delivered ends the sleep with -EINTR */

/* Sleep on `q` until a waker wakes the caller.  The caller holds `guard` (taken by spin_lock(),
 * with interrupts on), has tested its condition, and tests it again afterwards: `guard` is released
 * during the sleep and held again on return.  `deadline_ns` is a time of clock_now_ns(), or
 * WAIT_FOREVER; with `flags` 0 no signal ends the sleep.  Returns 0 (woken), -ETIMEDOUT or -EINTR.
 * Sleeps. */
int wait_sleep(struct wait_queue *q, struct spinlock *guard, u64 deadline_ns, u32 flags);

/* The same with a guard that was taken by spin_lock_irq(): interrupts are on during the sleep, and
 * off again on return. */
int wait_sleep_irq(struct wait_queue *q, struct spinlock *guard, u64 deadline_ns, u32 flags);

/* Wake the waiter that has waited longest, or all.  Any context; the guard may be held or not. */
void wait_wake_one(struct wait_queue *q);
void wait_wake_all(struct wait_queue *q);

/* Wake the thread that has waited longest in wait_sleep(), and not poll(): something is left for
 * the next one, of which poll() has heard. */
void wait_wake_sleeper(struct wait_queue *q);

/* Add a waiter to a queue, or remove it if no waker has done so: no waker uses it afterwards. */
void wait_queue_add(struct wait_queue *q, struct waiter *w);
void wait_queue_remove(struct wait_queue *q, struct waiter *w);

/* Sleep until `deadline_ns`, without a queue.  Returns 0 at the deadline, or -EINTR.  Sleeps. */
int sleep_until(u64 deadline_ns, u32 flags);

/* For queues of other kinds (futexes): sleep until *woken is true, the deadline has passed or a
 * signal ends the sleep.  Returns 0, -ETIMEDOUT or -EINTR.  The waker calls thread_wake_flagged();
 * a sleeper that leaves for another reason takes a lock that the waker holds.  `woken` may be NULL.
 * Sleeps. */
int sleep_until_woken(const bool *woken, u64 deadline_ns, u32 flags);
