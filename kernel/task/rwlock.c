/* SPDX-License-Identifier: MIT
 *
 * The sleeping reader-writer lock.  New readers wait while a writer waits, so that the writer is
 * not delayed for ever.
 */
#include "kernel/lib/errno.h"
#include "kernel/sync/lockdep.h"
#include "kernel/task/mutex.h"
#include "kernel/task/probe.h"
#include "kernel/task/sched.h"

static struct lock_class rwlock_guard_class = {"rwlock guard", 0};

void rwlock_init(struct rwlock *l, struct lock_class *class)
{
	*l = (struct rwlock){.class = class};
	spinlock_init(&l->guard, &rwlock_guard_class);
	wait_queue_init(&l->readers_queue, "rwlock");
	wait_queue_init(&l->writers_queue, "rwlock");
}

/* Sleep until the guard's conditions may have changed.  Out of line, so that taking a free lock
 * saves few registers.  The guard is held. */
static void __noinline wait_for_turn(struct rwlock *l, struct wait_queue *q)
{
	if (unlikely(thread_seed(current_thread())))
		seed_wait_for_lock(q, &l->guard);
	else
		(void)wait_sleep(q, &l->guard, WAIT_FOREVER, 0);
}

void rwlock_read_lock(struct rwlock *l)
{
	might_sleep();
	lockdep_acquire(l->class, l, __builtin_return_address(0), LOCKDEP_SLEEPING);
	spin_lock(&l->guard);
	while (l->holders < 0 || l->writers_waiting)
		wait_for_turn(l, &l->readers_queue);
	l->holders++;
	spin_unlock(&l->guard);
}

void rwlock_read_unlock(struct rwlock *l)
{
	lockdep_release(l, true);
	spin_lock(&l->guard);
	require(l->holders > 0);
	/* A reader only waits while there is a writer, so no reader waits here unless a writer
	 * does. */
	if (--l->holders == 0 && l->writers_waiting)
		wait_wake_one(&l->writers_queue);
	spin_unlock(&l->guard);
}

void rwlock_write_lock(struct rwlock *l)
{
	might_sleep();
	lockdep_acquire(l->class, l, __builtin_return_address(0), LOCKDEP_SLEEPING);
	spin_lock(&l->guard);
	l->writers_waiting++;
	while (l->holders)
		wait_for_turn(l, &l->writers_queue);
	l->writers_waiting--;
	l->holders = -1;
	l->writer = current_thread();
	spin_unlock(&l->guard);
}

void rwlock_write_unlock(struct rwlock *l)
{
	require(l->writer == current_thread());
	lockdep_release(l, true);
	spin_lock(&l->guard);
	l->writer = NULL;
	l->holders = 0;
	if (l->writers_waiting)
		wait_wake_one(&l->writers_queue);
	else
		wait_wake_all(&l->readers_queue);
	spin_unlock(&l->guard);
}
