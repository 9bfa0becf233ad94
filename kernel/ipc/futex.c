/* SPDX-License-Identifier: MIT
 *
 * Futexes (futex(2)): waiting and waking.  A waiter reads the word under the lock of the bucket and
 * is in the bucket before it releases the lock.  A waker changes the word first and then takes the
 * same lock.  So either the waker finds the waiter, or the waiter sees the change.
 */
#include "kernel/ipc/futex_internal.h"

#include "arch/x86_64/cpu/percpu.h"
#include "kernel/lib/errno.h"
#include "kernel/task/process.h"
#include "kernel/task/sched.h"
#include "kernel/vm/usercopy.h"

struct futex_bucket futex_buckets[FUTEX_BUCKETS];
/* Changed under a bucket's lock, so the thread cannot move to another CPU in between. */
DEFINE_PER_CPU(struct futex_stats, futex_counters);

static struct lock_class bucket_class = {"futex_bucket", 0};

void futex_init(void)
{
	for (u32 i = 0; i < FUTEX_BUCKETS; i++) {
		spinlock_init(&futex_buckets[i].lock, &bucket_class);
		list_init(&futex_buckets[i].waiters);
	}
}

static __always_inline int key_get(u64 address, bool shared, struct futex_key *key)
{
	*key = (struct futex_key){(u64)current_process()->space, address};
	if (address % 4)
		return -EINVAL;
	if (address >= USER_MAX)
		return -EFAULT;
	return shared ? address_space_futex_key(current_space(), address, key) : 0;
}

bool futex_key_equal(const struct futex_key *a, const struct futex_key *b)
{
	return a->object == b->object && a->offset == b->offset;
}

static struct futex_bucket *bucket_of(const struct futex_key *key)
{
	/* Fibonacci hashing, once for each half of the key. */
	u64 h = key->object * GOLDEN_RATIO_64 + (key->offset >> 2);

	return &futex_buckets[h * GOLDEN_RATIO_64 >> (64 - FUTEX_BUCKET_BITS)];
}

__always_inline struct futex_bucket *futex_bucket_lock(u64 address, bool shared,
						       struct futex_key *key)
{
	int error = key_get(address, shared, key);
	struct futex_bucket *b;

	if (error)
		return ERR_PTR(error);
	b = bucket_of(key);
	spin_lock(&b->lock);
	return b;
}

static void bucket_lock_two(struct futex_bucket *a, struct futex_bucket *b)
{
	spin_lock(a < b ? &a->lock : &b->lock);
	if (a != b)
		spin_lock_nested(a < b ? &b->lock : &a->lock);
}

static void bucket_unlock_two(struct futex_bucket *a, struct futex_bucket *b)
{
	if (a != b)
		spin_unlock(&b->lock);
	spin_unlock(&a->lock);
}

void futex_waiter_enqueue(struct futex_waiter *w, struct futex_bucket *b,
			  const struct futex_key *key, u32 bitset, tid_t owner)
{
	w->bucket = b;
	w->key = *key;
	w->bitset = bitset;
	w->owner = owner;
	w->thread = current_thread();
	w->woken = false;
	list_push_back(&b->waiters, &w->link);
	this_cpu_ptr(futex_counters)->waits++;
}

__always_inline void futex_waiter_wake(struct futex_waiter *w, bool owner_died)
{
	list_remove(&w->link);
	w->owner_died = owner_died;
	this_cpu_ptr(futex_counters)->woken++;
	if (w->any_woken)
		__atomic_store_n(w->any_woken, true, __ATOMIC_RELEASE);
	thread_wake_flagged(w->thread, &w->woken); /* *w may be gone now */
}

bool futex_waiter_end(struct futex_waiter *w)
{
	struct futex_bucket *b;

	if (__atomic_load_n(&w->woken, __ATOMIC_ACQUIRE))
		return true;
	for (;;) { /* until its lock is held, a requeue may change w->bucket */
		b = READ_ONCE(w->bucket);
		spin_lock(&b->lock);
		if (b == w->bucket)
			break;
		spin_unlock(&b->lock);
	}
	list_remove(&w->link); /* no effect if a waker has removed it */
	spin_unlock(&b->lock);
	return w->woken; /* no waker finds *w any more */
}

__always_inline int futex_waiter_sleep(struct futex_waiter *w, u64 deadline_ns)
{
	int error;

	current_thread()->wait.name = "futex";
	error = sleep_until_woken(&w->woken, deadline_ns, WAIT_SIGNALS);
	current_thread()->wait.name = NULL;
	return futex_waiter_end(w) ? 0 : error;
}

__always_inline long futex_waiter_begin(struct futex_waiter *w, u64 address, bool shared,
					u32 expected, u32 bitset, bool *any_woken)
{
	struct futex_bucket *b;
	struct futex_key key;
	u32 value;

	if (!bitset)
		return -EINVAL;
	for (;;) {
		b = futex_bucket_lock(address, shared, &key);
		if (IS_ERR(b))
			return PTR_ERR(b);
		if (!get_user_u32_nofault(&value, (u32 *)address))
			break;
		spin_unlock(&b->lock);
		if (fault_in_user(address, false))
			return -EFAULT;
		if (thread_interrupted(WAIT_KILLABLE))
			return -EINTR;
	}
	if (value == expected) {
		futex_waiter_enqueue(w, b, &key, bitset, 0);
		w->any_woken = any_woken;
	} else {
		this_cpu_ptr(futex_counters)->waits_refused++;
	}
	spin_unlock(&b->lock);
	return value == expected ? 0 : -EAGAIN;
}

long futex_wait(u64 address, bool shared, u32 expected, u64 deadline_ns, u32 bitset)
{
	struct futex_waiter w;
	long error = futex_waiter_begin(&w, address, shared, expected, bitset, NULL);

	return error ?: futex_waiter_sleep(&w, deadline_ns);
}

struct futex_waiter *bucket_pause(struct futex_bucket *a, struct futex_bucket *b,
				  struct futex_waiter *next, struct futex_waiter *end)
{
	struct futex_waiter place = {.key = {0, 0}};

	list_insert_between(&place.link, next->link.prev, &next->link);
	if (list_empty(&end->link)) {
		*end = (struct futex_waiter){.key = {0, 0}};
		list_push_back(&a->waiters, &end->link);
	}
	bucket_unlock_two(a, b);
	bucket_lock_two(a, b);
	next = list_entry(place.link.next, struct futex_waiter, link);
	list_remove(&place.link);
	return next;
}

/* Wake up to `count` waiters of a word, the longest waiting first.  Returns the number woken.
 * -EINVAL: the first waiter waits for a PI lock.  The caller holds the locks of the bucket and of
 * `other`, which may be the same. */
static __always_inline long bucket_wake(struct futex_bucket *b, struct futex_bucket *other,
					const struct futex_key *key, u32 count, u32 bitset)
{
	struct futex_waiter *w, *next, end;
	u32 steps = 0;
	long n = 0;

	list_init(&end.link);
	list_for_each_safe (w, next, &b->waiters, link) {
		bool same = futex_key_equal(&w->key, key);

		if (!count || w == &end)
			break;
		if (same && w->owner) {
			n = n ? n : -EINVAL;
			break;
		}
		if (same && w->bitset & bitset) {
			futex_waiter_wake(w, false);
			if (++n == count)
				break;
		}
		if (++steps % BATCH == 0)
			next = bucket_pause(b, other, next, &end);
	}
	list_remove(&end.link);
	return n;
}

static void count_wake(long woken)
{
	++*(woken ? &this_cpu_ptr(futex_counters)->wakes : &this_cpu_ptr(futex_counters)->wakes_empty);
}

long futex_wake(u64 address, bool shared, u32 count, u32 bitset)
{
	struct futex_bucket *b;
	struct futex_key key;
	long result;

	if (!bitset)
		return -EINVAL;
	b = futex_bucket_lock(address, shared, &key);
	if (IS_ERR(b))
		return PTR_ERR(b);
	result = bucket_wake(b, b, &key, (u32)MAX((s32)count, 1), bitset);
	if (result >= 0)
		count_wake(result);
	spin_unlock(&b->lock);
	return result;
}

/* Move up to `count` waiters of one word behind those of another.  Returns the number moved.  The
 * caller holds the locks of both buckets. */
static u32 bucket_requeue(struct futex_bucket *from, struct futex_bucket *to,
			  const struct futex_key key[2], u32 count)
{
	struct futex_waiter *w, *next, end = {.key = {0, 0}};
	u32 n = 0, steps = 0;

	/* `to` may be `from`: a waiter that is moved must not be found again. */
	list_push_back(&from->waiters, &end.link);
	list_for_each_safe (w, next, &from->waiters, link) {
		if (n >= count || w == &end)
			break;
		if (futex_key_equal(&w->key, &key[0]) && !w->owner) {
			list_remove(&w->link);
			list_push_back(&to->waiters, &w->link);
			w->key = key[1];
			WRITE_ONCE(w->bucket, to);
			n++;
		}
		if (++steps % BATCH == 0)
			next = bucket_pause(from, to, next, &end);
	}
	list_remove(&end.link);
	return n;
}

long futex_requeue(u64 address, u64 address2, bool shared, u32 wake, u32 requeue, bool compare,
		   u32 expected)
{
	struct futex_bucket *from, *to;
	struct futex_key key[2];
	long result;
	u32 value;

	for (;;) {
		result = key_get(address, shared, &key[0]) ?: key_get(address2, shared, &key[1]);
		if (result)
			return result;
		from = bucket_of(&key[0]);
		to = bucket_of(&key[1]);
		bucket_lock_two(from, to);
		if (!compare || !get_user_u32_nofault(&value, (u32 *)address))
			break;
		bucket_unlock_two(from, to);
		if (fault_in_user(address, false))
			return -EFAULT;
		if (thread_interrupted(WAIT_KILLABLE))
			return -EINTR;
	}
	if (compare && value != expected)
		result = -EAGAIN;
	else
		result = bucket_wake(from, to, &key[0], wake, FUTEX_BITSET_ANY);
	if (result >= 0) {
		u32 moved = bucket_requeue(from, to, key, requeue);

		count_wake(result);
		this_cpu_ptr(futex_counters)->requeues += moved > 0;
		result += moved;
	}
	bucket_unlock_two(from, to);
	return result;
}
