/* SPDX-License-Identifier: MIT
 *
 * PI futexes: locks whose word contains the TID of the owner (futex(2), FUTEX_LOCK_PI).  Ownership
 * is passed on as on Linux; there are no priorities to inherit, since the scheduler is round robin.
 */
#include "kernel/ipc/futex_internal.h"
#include "kernel/linux/errno.h"
#include "kernel/linux/futex/cmpxchg_user.h"
#include "kernel/linux/futex/owner.h"
#include "kernel/sys/futex_command.h"
#include "kernel/task/per_thread.h"
#include "kernel/task/process.h"
#include "kernel/vm/usercopy.h"

#define FUTEX_LOCK_PI	 6
#define FUTEX_UNLOCK_PI	 7
#define FUTEX_TRYLOCK_PI 8
#define FUTEX_LOCK_PI2	 13

/* The thread exits or execs, and so does not count as the owner of a PI lock any more. */
static DEFINE_PER_THREAD(bool, owner_gone);

static u32 pi_waiters; /* number of callers of futex_lock_pi(); if 0, an exit need not search */

/* The PI waiter that is next for a word, after `after` (NULL: the first). */
static struct futex_waiter *pi_next(struct futex_bucket *b, const struct futex_key *key,
				    const struct futex_waiter *after)
{
	struct futex_waiter *w;

	list_for_each (w, &b->waiters, link) {
		if (after == w)
			after = NULL;
		else if (!after && w->owner && futex_key_equal(&w->key, key))
			return w;
	}
	return NULL;
}

/* Thread `tid` now owns the word: record it as the owner that all other waiters wait for.  b->lock
 * is held. */
static void pi_new_owner(struct futex_bucket *b, const struct futex_key *key, u32 tid)
{
	for (struct futex_waiter *w = NULL; (w = pi_next(b, key, w));)
		w->owner = (tid_t)tid;
}

enum { PI_OWNED, PI_QUEUED, PI_AGAIN };

/* Decide what a caller does that finds `value` in the word.  PI_OWNED: take the lock; PI_QUEUED:
 * set FUTEX_WAITERS and wait; in both cases *new_value is the new word.  Or an error.  `owner` is
 * the thread that the word names, or NULL; `dead` is the TID of an owner that died while we waited,
 * or 0. */
static long pi_decide(u32 value, bool others, tid_t dead, struct thread *owner, bool try_only,
		      u32 *new_value)
{
	u32 tid = (u32)current_thread()->tid, holder = value & FUTEX_TID_MASK;

	if (holder == tid)
		return -EDEADLK;
	if (!holder || holder == (u32)dead) {
		*new_value = tid | (value & FUTEX_OWNER_DIED) | (others ? FUTEX_WAITERS : 0) |
			     (holder ? FUTEX_OWNER_DIED : 0);
		return PI_OWNED;
	}
	if (!owner || __atomic_load_n(per_thread(owner, owner_gone), __ATOMIC_SEQ_CST))
		return -ESRCH;
	*new_value = value | FUTEX_WAITERS;
	return try_only ? -EAGAIN : PI_QUEUED;
}

/* Try once to take the lock or to enqueue `w`.  PI_AGAIN if the word changed in the meantime, or if
 * its page had to be faulted in first. */
static long pi_try(u64 address, bool shared, bool try_only, tid_t dead, struct futex_waiter *w)
{
	struct thread *owner = NULL;
	struct futex_bucket *b;
	struct futex_key key;
	u32 value, seen, new_value;
	bool fault;
	long result;

	if (get_user_u32(&value, (u32 *)address))
		return -EFAULT;
	/* The owner is looked up before the bucket is locked.  If the word is unchanged below, that
	 * thread still owns it; and if it exits, it must take the lock of the bucket after us and
	 * finds our waiter. */
	if (value & FUTEX_TID_MASK)
		owner = thread_find((tid_t)(value & FUTEX_TID_MASK));
	b = futex_bucket_lock(address, shared, &key);
	if (IS_ERR(b)) {
		result = PTR_ERR(b);
		fault = false;
		goto out;
	}
	result = pi_decide(value, pi_next(b, &key, NULL), dead, owner, try_only, &new_value);
	seen = value;
	fault = cmpxchg_user_u32_nofault((u32 *)address, &seen, result < 0 ? value : new_value);
	if (fault || seen != value)
		result = PI_AGAIN;
	else if (result == PI_QUEUED)
		futex_waiter_enqueue(w, b, &key, FUTEX_BITSET_ANY, (tid_t)(value & FUTEX_TID_MASK));
	else if (result == PI_OWNED)
		pi_new_owner(b, &key, (u32)current_thread()->tid);
	spin_unlock(&b->lock);
out:
	if (owner)
		thread_put(owner);
	return fault && fault_in_user(address, true) ? -EFAULT : result;
}

/* Take the lock.  0, -EDEADLK (the caller owns it), -ESRCH (the word names no living thread),
 * -ETIMEDOUT, -EINTR, -EAGAIN (`try_only`, and it is taken), -EFAULT.  Sleeps. */
static long futex_lock_pi(u64 address, bool shared, u64 deadline_ns, bool try_only)
{
	struct futex_waiter w;
	tid_t dead = 0;
	long result;

	/* Count this caller before the state of an owner is read.  Pairs with
	 * futex_pi_owner_leaves(). */
	__atomic_fetch_add(&pi_waiters, 1, __ATOMIC_SEQ_CST);
	do {
		result = pi_try(address, shared, try_only, dead, &w);
		if (result == PI_QUEUED) {
			result = futex_waiter_sleep(&w, deadline_ns);
			if (!result && w.owner_died) {
				dead = w.owner;
				result = PI_AGAIN;
			}
		}
		if (result == PI_AGAIN && thread_interrupted(WAIT_KILLABLE))
			result = -EINTR;
	} while (result == PI_AGAIN);
	__atomic_fetch_sub(&pi_waiters, 1, __ATOMIC_SEQ_CST);
	return result;
}

/* Release the lock and pass it to the first waiter, if any.  0, -EPERM (the caller is not the
 * owner), -EFAULT.  Sleeps. */
static long futex_unlock_pi(u64 address, bool shared)
{
	u32 tid = (u32)current_thread()->tid, value, seen, next;
	struct futex_waiter *w;
	struct futex_bucket *b;
	struct futex_key key;
	int error;

	for (;;) {
		if (get_user_u32(&value, (u32 *)address))
			return -EFAULT;
		if ((value & FUTEX_TID_MASK) != tid)
			return -EPERM;
		b = futex_bucket_lock(address, shared, &key);
		if (IS_ERR(b))
			return PTR_ERR(b);
		w = pi_next(b, &key, NULL);
		next = w ? (u32)w->thread->tid : 0;
		if (w && pi_next(b, &key, w))
			next |= FUTEX_WAITERS;
		seen = value;
		error = cmpxchg_user_u32_nofault((u32 *)address, &seen, next);
		if (!error && seen == value)
			break;
		spin_unlock(&b->lock);
		if (error && fault_in_user(address, true))
			return -EFAULT;
	}
	if (w) {
		futex_waiter_wake(w, false);
		pi_new_owner(b, &key, next & FUTEX_TID_MASK);
	}
	spin_unlock(&b->lock);
	return 0;
}

static long command_lock(const struct futex_call *c)
{
	bool realtime = c->realtime || c->command == FUTEX_LOCK_PI;
	u64 deadline = WAIT_FOREVER;
	long result = 0;

	if (c->command != FUTEX_TRYLOCK_PI)
		result = futex_timeout_get(c, false, realtime, &deadline);
	if (!result)
		result =
		    futex_lock_pi(c->address, c->shared, deadline, c->command == FUTEX_TRYLOCK_PI);
	return result == -EINTR ? -ERESTARTNOINTR : result;
}

static long command_unlock(const struct futex_call *c)
{
	return futex_unlock_pi(c->address, c->shared);
}

#define COMMAND                                                                                    \
	static const struct futex_command LINKER_SET_ENTRY(futex_commands, struct futex_command)
COMMAND pi_lock = {FUTEX_LOCK_PI, false, command_lock};
COMMAND pi_lock2 = {FUTEX_LOCK_PI2, true, command_lock};
COMMAND pi_trylock = {FUTEX_TRYLOCK_PI, false, command_lock};
COMMAND pi_unlock = {FUTEX_UNLOCK_PI, false, command_unlock};

/* --- The end of an owner ---------------------------------------------------------------------- */

/* Wake all waiters for locks of thread `tid`, and let them know that the owner has died. */
static void pi_owner_gone(tid_t tid)
{
	struct futex_waiter *w, *next;

	for (u32 i = 0; i < FUTEX_BUCKETS; i++) {
		spin_lock(&futex_buckets[i].lock);
		list_for_each_safe (w, next, &futex_buckets[i].waiters, link) {
			if (w->owner == tid)
				futex_waiter_wake(w, true);
		}
		spin_unlock(&futex_buckets[i].lock);
	}
}

void futex_pi_owner_leaves(struct thread *t)
{
	/* A full barrier here and in futex_lock_pi(): either this thread sees the count of waiters,
	 * or the waiter sees owner_gone. */
	__atomic_store_n(per_thread(t, owner_gone), true, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&pi_waiters, __ATOMIC_SEQ_CST))
		pi_owner_gone(t->tid);
}

void futex_pi_owner_returns(struct thread *t)
{
	*per_thread(t, owner_gone) = false;
}
