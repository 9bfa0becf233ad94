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
#include "kernel/task/mutex.h"
#include "kernel/task/per_thread.h"
#include "kernel/task/process.h"
#include "kernel/vm/usercopy.h"

#define FUTEX_LOCK_PI	      6
#define FUTEX_UNLOCK_PI	      7
#define FUTEX_TRYLOCK_PI      8
#define FUTEX_LOCK_PI2	      13

#define FUTEX_WAIT_REQUEUE_PI 11
#define FUTEX_CMP_REQUEUE_PI  12

/* The thread exits or execs, and so does not count as the owner of a PI lock any more. */
static DEFINE_PER_THREAD(bool, owner_gone);

static u32 pi_waiters; /* number of callers of futex_lock_pi(); if 0, an exit need not search */

/* Held from the change of a lock's owner until all its waiters are recorded to wait for the new
 * one: until then that thread can neither pass on the lock nor leave it behind.  No memory is
 * allocated and no page is faulted in under it, since a thread that ends takes it. */
static struct lock_class handover_class = {"PI handover", 0};
static struct mutex handover_mutex = MUTEX_INIT(handover_mutex, &handover_class);

/* The PI waiter that is next for a word, after `after` (NULL: the first). */
static struct futex_waiter *pi_next(struct futex_bucket *b, const struct futex_key *key,
				    const struct futex_waiter *after)
{
	const struct list *at = after ? &after->link : &b->waiters;

	while ((at = at->next) != &b->waiters) {
		struct futex_waiter *w = list_entry(at, struct futex_waiter, link);

		if (w->owner && futex_key_equal(&w->key, key))
			return w;
	}
	return NULL;
}

/* Thread `tid` now owns the word: record it as the owner for which all other waiters wait; those
 * that come from now on know it.  It is the caller, or the caller holds handover_mutex.  The locks
 * of the bucket and of `other`, which may be the same, are held, and released now and then. */
static void pi_new_owner(struct futex_bucket *b, struct futex_bucket *other,
			 const struct futex_key *key, u32 tid)
{
	struct futex_waiter *w, *next, end;
	u32 steps = 0;

	list_init(&end.link);
	list_for_each_safe (w, next, &b->waiters, link) {
		if (w == &end)
			break;
		if (w->owner && futex_key_equal(&w->key, key))
			w->owner = (tid_t)tid;
		if (++steps % BATCH == 0)
			next = bucket_pause(b, other, next, &end);
	}
	list_remove(&end.link);
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
		pi_new_owner(b, b, &key, (u32)current_thread()->tid);
	spin_unlock(&b->lock);
out:
	if (owner)
		thread_put(owner);
	return fault && fault_in_user(address, true) ? -EFAULT : result;
}

/* Take the lock.  `dead` is the TID of an owner that is known to have died, or 0.  0, -EDEADLK (the
 * caller owns it), -ESRCH (the word names no living thread), -ETIMEDOUT, -EINTR, -EAGAIN
 * (`try_only`, and it is taken), -EFAULT.  Sleeps. */
static long futex_lock_pi(u64 address, bool shared, u64 deadline_ns, bool try_only, tid_t dead)
{
	struct futex_waiter w = {.any_woken = NULL};
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
		spin_unlock(&b->lock); /* the mutex must be taken first */
		mutex_lock(&handover_mutex);
		spin_lock(&b->lock);
		w = pi_next(b, &key, NULL);
		next = w ? (u32)w->thread->tid : 0;
		if (w && pi_next(b, &key, w))
			next |= FUTEX_WAITERS;
		seen = value;
		error = cmpxchg_user_u32_nofault((u32 *)address, &seen, next);
		if (!error && seen == value)
			break;
		spin_unlock(&b->lock);
		mutex_unlock(&handover_mutex);
		if (error && fault_in_user(address, true))
			return -EFAULT;
	}
	if (w) {
		futex_waiter_wake(w, false);
		pi_new_owner(b, b, &key, next & FUTEX_TID_MASK);
	}
	spin_unlock(&b->lock);
	mutex_unlock(&handover_mutex);
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
		result = futex_lock_pi(c->address, c->shared, deadline,
				       c->command == FUTEX_TRYLOCK_PI, 0);
	return result == -EINTR ? -ERESTARTNOINTR : result;
}

static long command_unlock(const struct futex_call *c)
{
	return futex_unlock_pi(c->address, c->shared);
}

/* --- Waiting for a word, to be moved to a lock ------------------------------------------------ */

/* A waiter of FUTEX_WAIT_REQUEUE_PI.  FUTEX_CMP_REQUEUE_PI gives it the lock, or moves it to those
 * that wait for the lock; then waiter.owner is set. */
struct requeue_waiter {
	struct futex_waiter waiter;
	struct futex_key lock; /* the key of the lock's word */
	bool woken;	       /* waiter.any_woken leads here: the mark of such a waiter */
	bool acquired;	       /* it has got the lock.  Under the lock of its bucket */
};

static struct requeue_waiter *requeue_waiter_of(struct futex_waiter *w)
{
	struct requeue_waiter *r = container_of(w, struct requeue_waiter, waiter);

	return w->any_woken == &r->woken ? r : NULL;
}

/* What FUTEX_WAIT_REQUEUE_PI returns after its sleep ended with `error` (0: it was woken). */
static long requeue_result(const struct futex_call *c, struct requeue_waiter *r, long error,
			   u64 deadline_ns)
{
	if (r->acquired || (!error && r->waiter.owner && !r->waiter.owner_died))
		return 0;
	if (!error && r->waiter.owner) /* the owner died, and we try again */
		error = futex_lock_pi(c->address2, c->shared, deadline_ns, false, r->waiter.owner);
	if (error == -EINTR) /* once it waits for the lock, the call cannot begin again */
		return r->waiter.owner ? -EAGAIN : -ERESTARTNOINTR;
	return error || r->waiter.owner ? error : -EAGAIN; /* woken by FUTEX_WAKE */
}

/* Sleep until the lock at address2 has been got.  0, -EAGAIN (*address is not `value`, or the
 * caller must try again), -ETIMEDOUT, -EINVAL, -EFAULT.  Sleeps. */
static long command_wait_requeue(const struct futex_call *c)
{
	struct requeue_waiter r = {.acquired = false};
	struct futex_bucket *b;
	u64 deadline;
	long error = futex_timeout_get(c, false, c->realtime, &deadline);

	if (error)
		return error;
	b = c->address == c->address2 ? ERR_PTR(-EINVAL)
				      : futex_bucket_lock(c->address2, c->shared, &r.lock);
	if (IS_ERR(b))
		return PTR_ERR(b);
	spin_unlock(&b->lock);
	__atomic_fetch_add(&pi_waiters, 1, __ATOMIC_SEQ_CST); /* see futex_lock_pi() */
	error = futex_waiter_begin(&r.waiter, c->address, c->shared, c->value, FUTEX_BITSET_ANY,
				   &r.woken);
	if (!error)
		error = requeue_result(c, &r, futex_waiter_sleep(&r.waiter, deadline), deadline);
	__atomic_fetch_sub(&pi_waiters, 1, __ATOMIC_SEQ_CST);
	return error;
}

/* The words of FUTEX_CMP_REQUEUE_PI: [0] is waited for, [1] is the lock. */
struct requeue {
	struct futex_bucket *bucket[2];
	struct futex_key key[2];
};

/* Find both buckets. */
static int requeue_find(const struct futex_call *c, struct requeue *q)
{
	const u64 address[2] = {c->address, c->address2};

	for (u32 i = 0; i < 2; i++) {
		q->bucket[i] = futex_bucket_lock(address[i], c->shared, &q->key[i]);
		if (IS_ERR(q->bucket[i]))
			return (int)PTR_ERR(q->bucket[i]);
		spin_unlock(&q->bucket[i]->lock);
	}
	return 0;
}

/* Lock them in the order of futex_requeue(). */
static void requeue_lock(struct requeue *q)
{
	mutex_lock(&handover_mutex);
	spin_lock(&MIN(q->bucket[0], q->bucket[1])->lock);
	if (q->bucket[0] != q->bucket[1])
		spin_lock_nested(&MAX(q->bucket[0], q->bucket[1])->lock);
}

static void requeue_unlock(struct requeue *q)
{
	spin_unlock(&q->bucket[0]->lock);
	if (q->bucket[0] != q->bucket[1])
		spin_unlock(&q->bucket[1]->lock);
	mutex_unlock(&handover_mutex);
}

/* What a waiter for the word is; NULL if it does not wait for this lock. */
static struct requeue_waiter *requeue_check(struct requeue *q, struct futex_waiter *w)
{
	struct requeue_waiter *r = w->owner ? NULL : requeue_waiter_of(w);

	return r && futex_key_equal(&r->lock, &q->key[1]) ? r : NULL;
}

/* The first waiter for the word, or NULL; ERR_PTR(-EINVAL) if it does not wait for this lock. */
static struct requeue_waiter *requeue_first(struct requeue *q)
{
	struct futex_waiter *w;

	list_for_each (w, &q->bucket[0]->waiters, link)
		if (futex_key_equal(&w->key, &q->key[0]))
			return requeue_check(q, w) ?: ERR_PTR(-EINVAL);
	return NULL;
}

/* Move up to `n` waiters to the lock, which `owner` has.  Returns how many, or -EINVAL.  The locks
 * of both buckets are released now and then. */
static long requeue_move(struct requeue *q, u32 n, tid_t owner)
{
	struct futex_waiter *w, *next, end = {.key = {0, 0}};
	u32 moved = 0, steps = 0;
	long error = 0;

	/* The buckets may be the same: a waiter that is moved must not be found again. */
	list_push_back(&q->bucket[0]->waiters, &end.link);
	list_for_each_safe (w, next, &q->bucket[0]->waiters, link) {
		if (moved >= n || w == &end)
			break;
		if (futex_key_equal(&w->key, &q->key[0])) {
			if (!requeue_check(q, w)) {
				error = -EINVAL;
				break;
			}
			list_remove(&w->link);
			list_push_back(&q->bucket[1]->waiters, &w->link);
			w->key = q->key[1];
			w->owner = owner;
			WRITE_ONCE(w->bucket, q->bucket[1]);
			moved++;
		}
		if (++steps % BATCH == 0)
			next = bucket_pause(q->bucket[0], q->bucket[1], next, &end);
	}
	list_remove(&end.link);
	return moved ?: error;
}

/* handover_mutex and the locks of both buckets are held, and `word` was the lock's word.  Give the
 * lock to the first waiter if it is free, and move the others.  Returns how many were woken or
 * moved; -EFAULT with *fault set: the page at that address must be faulted in; PI_RETRY: `word` has
 * changed. */
#define PI_RETRY (-MAX_ERRNO)
static long requeue_locked(const struct futex_call *c, struct requeue *q, u32 word,
			   const struct thread *owner, u64 *fault)
{
	u32 limit = (u32)c->timeout, holder = word & FUTEX_TID_MASK, seen = word, new, value;
	struct requeue_waiter *first;
	tid_t tid;
	long n;

	if (get_user_u32_nofault(&value, (u32 *)(*fault = c->address)))
		return -EFAULT;
	if (value != c->value3)
		return -EAGAIN;
	first = requeue_first(q);
	if (!first || IS_ERR(first))
		return PTR_ERR(first);
	tid = first->waiter.thread->tid;
	if (holder == (u32)tid)
		return -EDEADLK;
	if (holder && (!owner || __atomic_load_n(per_thread(owner, owner_gone), __ATOMIC_SEQ_CST)))
		return -ESRCH;
	new = (holder ? word : (u32)tid | (word & FUTEX_OWNER_DIED)) | FUTEX_WAITERS;
	if (cmpxchg_user_u32_nofault((u32 *)(*fault = c->address2), &seen, new))
		return -EFAULT;
	if (seen != word)
		return PI_RETRY;
	if (holder)
		return requeue_move(q, limit < UINT32_MAX ? limit + 1 : limit, (tid_t)holder);
	first->acquired = true;
	futex_waiter_wake(&first->waiter, false);
	pi_new_owner(q->bucket[1], q->bucket[0], &q->key[1], (u32)tid);
	n = requeue_move(q, limit, tid);
	return n < 0 ? 1 : n + 1;
}

static long command_requeue(const struct futex_call *c)
{
	struct thread *owner;
	struct requeue q;
	u64 fault = 0;
	long result;
	u32 word;

	if (c->value != 1 || (s32)c->timeout < 0 || c->address == c->address2)
		return -EINVAL;
	do {
		if (get_user_u32(&word, (u32 *)c->address2))
			return -EFAULT;
		/* As in pi_try(): the owner is looked up before the locks are taken. */
		owner = word & FUTEX_TID_MASK ? thread_find((tid_t)(word & FUTEX_TID_MASK)) : NULL;
		result = requeue_find(c, &q);
		if (!result) {
			requeue_lock(&q);
			result = requeue_locked(c, &q, word, owner, &fault);
			requeue_unlock(&q);
			if (result == -EFAULT && !fault_in_user(fault, fault == c->address2))
				result = PI_RETRY;
		}
		if (owner)
			thread_put(owner);
		if (result == PI_RETRY && thread_interrupted(WAIT_KILLABLE))
			result = -EINTR;
	} while (result == PI_RETRY);
	return result;
}

#define COMMAND                                                                                    \
	static const struct futex_command LINKER_SET_ENTRY(futex_commands, struct futex_command)
COMMAND pi_lock = {FUTEX_LOCK_PI, false, command_lock};
COMMAND pi_lock2 = {FUTEX_LOCK_PI2, true, command_lock};
COMMAND pi_trylock = {FUTEX_TRYLOCK_PI, false, command_lock};
COMMAND pi_wait_requeue = {FUTEX_WAIT_REQUEUE_PI, true, command_wait_requeue};
COMMAND pi_requeue = {FUTEX_CMP_REQUEUE_PI, false, command_requeue};
COMMAND pi_unlock = {FUTEX_UNLOCK_PI, false, command_unlock};

/* --- The end of an owner ---------------------------------------------------------------------- */

/* Wake all waiters for locks of thread `tid`, and let them know that the owner has died. */
static void pi_owner_gone(tid_t tid)
{
	struct futex_waiter *w, *next, end;
	u32 steps = 0;

	mutex_lock(&handover_mutex);
	for (struct futex_bucket *b = futex_buckets; b < futex_buckets + FUTEX_BUCKETS; b++) {
		spin_lock(&b->lock);
		list_init(&end.link);
		list_for_each_safe (w, next, &b->waiters, link) {
			if (w == &end)
				break;
			if (w->owner == tid)
				futex_waiter_wake(w, true);
			if (++steps % BATCH == 0)
				next = bucket_pause(b, b, next, &end);
		}
		list_remove(&end.link);
		spin_unlock(&b->lock);
	}
	mutex_unlock(&handover_mutex);
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
