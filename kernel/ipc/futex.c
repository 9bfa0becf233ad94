/* SPDX-License-Identifier: MIT
 *
 * Futexes (futex(2)): waiting and waking.  The value is looked at under the bucket's lock, so a
 * wake-up that follows a change is never missed.
 */
#include "kernel/ipc/futex_internal.h"

#include "kernel/lib/errno.h"
#include "kernel/sync/lockdep.h"
#include "kernel/vm/usercopy.h"

struct futex_bucket futex_buckets[FUTEX_BUCKETS];
static struct lock_class bucket_class = {"futex_bucket", 0};
static struct lock_class waiter_class = {"futex_waiter", 0};

void futex_init(void)
{
	for (u32 i = 0; i < FUTEX_BUCKETS; i++) {
		spinlock_init(&futex_buckets[i].lock, &bucket_class);
		list_init(&futex_buckets[i].waiters);
	}
}

int futex_key_get(u64 address, bool shared, struct futex_key *key)
{
	if (address & 3)
		return -EINVAL;
	if (!user_range_ok(address, 4))
		return -EFAULT;
	return address_space_futex_key(vm_current_space(), address, shared, key);
}

bool futex_key_equal(const struct futex_key *a, const struct futex_key *b)
{
	return a->object == b->object && a->offset == b->offset;
}

struct futex_bucket *futex_bucket_of(const struct futex_key *key)
{
	u64 h = (key->object ^ key->object >> 32) * 0x9e3779b97f4a7c15 + (key->offset >> 2);

	return &futex_buckets[h * 0x9e3779b97f4a7c15 >> 56];
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

void futex_waiter_init(struct futex_waiter *w, const struct futex_key *key, u32 bitset, tid_t owner)
{
	*w = (struct futex_waiter){.key = *key, .bitset = bitset, .owner = owner};
	w->tid = current_thread()->tid;
	spinlock_init(&w->lock, &waiter_class);
	wait_queue_init(&w->queue, "futex");
}

void futex_waiter_enqueue(struct futex_waiter *w, struct futex_bucket *b)
{
	w->bucket = b;
	list_push_back(&b->waiters, &w->link);
	b->stats.waits++;
}

void futex_waiter_wake(struct futex_waiter *w, bool owner_died)
{
	list_remove(&w->link);
	spin_lock(&w->lock);
	w->woken = true;
	w->owner_died = owner_died;
	wait_wake_one(&w->queue);
	spin_unlock(&w->lock);
}

int futex_waiter_sleep(struct futex_waiter *w, u64 deadline_ns)
{
	struct futex_bucket *b;
	int error = 0;

	spin_lock(&w->lock);
	while (!w->woken && !error)
		error = wait_sleep(&w->queue, &w->lock, deadline_ns, WAIT_SIGNALS);
	spin_unlock(&w->lock);
	if (!error)
		return 0;
	for (;;) { /* a requeue may move us meanwhile */
		b = READ_ONCE(w->bucket);
		spin_lock(&b->lock);
		if (b == w->bucket)
			break;
		spin_unlock(&b->lock);
	}
	if (w->woken)
		error = 0;
	else
		list_remove(&w->link);
	b->stats.timeouts += error == -ETIMEDOUT;
	spin_unlock(&b->lock);
	return error;
}

long futex_wait(u64 address, bool shared, u32 expected, u64 deadline_ns, u32 bitset)
{
	struct futex_bucket *b;
	struct futex_waiter w;
	struct futex_key key;
	u32 value;
	int error;

	if (!bitset)
		return -EINVAL;
	for (;;) {
		error = futex_key_get(address, shared, &key);
		if (error)
			return error;
		b = futex_bucket_of(&key);
		spin_lock(&b->lock);
		if (!get_user_u32_nofault(&value, (u32 *)address))
			break;
		spin_unlock(&b->lock);
		if (fault_in_user(address, false))
			return -EFAULT;
		if (thread_interrupted(WAIT_KILLABLE))
			return -EINTR;
	}
	if (value != expected) {
		spin_unlock(&b->lock);
		return -EAGAIN;
	}
	futex_waiter_init(&w, &key, bitset, 0);
	futex_waiter_enqueue(&w, b);
	spin_unlock(&b->lock);
	return futex_waiter_sleep(&w, deadline_ns);
}

/* Wake up to `count` of a word's waiters.  Under the bucket's lock.  -EINVAL: who waits there waits
 * for a priority-inheriting lock. */
static long bucket_wake(struct futex_bucket *b, const struct futex_key *key, u32 count, u32 bitset)
{
	struct futex_waiter *w, *next;
	u32 n = 0;

	list_for_each_safe (w, next, &b->waiters, link) {
		if (n >= count)
			break;
		if (!futex_key_equal(&w->key, key))
			continue;
		if (w->owner)
			return n ? (long)n : -EINVAL;
		if (!(w->bitset & bitset))
			continue;
		futex_waiter_wake(w, false);
		n++;
	}
	b->stats.wakes++;
	b->stats.woken += n;
	return n;
}

long futex_wake(u64 address, bool shared, u32 count, u32 bitset)
{
	struct futex_bucket *b;
	struct futex_key key;
	long result = futex_key_get(address, shared, &key);

	if (!bitset)
		return -EINVAL;
	if (result)
		return result;
	b = futex_bucket_of(&key);
	spin_lock(&b->lock);
	result = bucket_wake(b, &key, count, bitset);
	spin_unlock(&b->lock);
	return result;
}

static int futex_two_keys(u64 address, u64 address2, bool shared, struct futex_key key[2])
{
	int error = futex_key_get(address, shared, &key[0]);

	return error ? error : futex_key_get(address2, shared, &key[1]);
}

long futex_requeue(u64 address, u64 address2, bool shared, u32 wake, u32 requeue, bool compare,
		   u32 expected)
{
	struct futex_bucket *from, *to;
	struct futex_waiter *w, *next;
	struct futex_key key[2];
	struct list moved;
	long result;
	u32 value, n = 0;
	int error;

	for (;;) {
		error = futex_two_keys(address, address2, shared, key);
		if (error)
			return error;
		from = futex_bucket_of(&key[0]);
		to = futex_bucket_of(&key[1]);
		bucket_lock_two(from, to);
		if (!compare || !get_user_u32_nofault(&value, (u32 *)address))
			break;
		bucket_unlock_two(from, to);
		if (fault_in_user(address, false))
			return -EFAULT;
	}
	if (compare && value != expected) {
		bucket_unlock_two(from, to);
		return -EAGAIN;
	}
	result = bucket_wake(from, &key[0], wake, FUTEX_BITSET_ANY);
	list_init(&moved);
	list_for_each_safe (w, next, &from->waiters, link) {
		if (n >= requeue || result < 0)
			break;
		if (!futex_key_equal(&w->key, &key[0]) || w->owner)
			continue;
		list_remove(&w->link);
		list_push_back(&moved, &w->link);
		w->key = key[1];
		WRITE_ONCE(w->bucket, to);
		n++;
	}
	list_splice(&to->waiters, &moved);
	from->stats.requeued += n;
	bucket_unlock_two(from, to);
	return result < 0 ? result : result + n;
}

/* The operation and comparison that FUTEX_WAKE_OP packs into a number. */
static int wake_op_compute(u32 operation, u32 old, u32 *value)
{
	u32 argument = (u32)((s32)(operation << 8) >> 20);

	if (operation >> 31)
		argument = 1U << (argument & 31);
	switch (operation >> 28 & 7) {
	case 0:
		*value = argument;
		return 0;
	case 1:
		*value = old + argument;
		return 0;
	case 2:
		*value = old | argument;
		return 0;
	case 3:
		*value = old & ~argument;
		return 0;
	case 4:
		*value = old ^ argument;
		return 0;
	}
	return -ENOSYS;
}

static bool wake_op_holds(u32 operation, u32 old)
{
	s32 argument = (s32)(operation << 20) >> 20, value = (s32)old;

	switch (operation >> 24 & 15) {
	case 0:
		return value == argument;
	case 1:
		return value != argument;
	case 2:
		return value < argument;
	case 3:
		return value <= argument;
	case 4:
		return value > argument;
	default:
		return value >= argument;
	}
}

long futex_wake_op(u64 address, u64 address2, bool shared, u32 wake, u32 wake2, u32 operation)
{
	struct futex_bucket *a, *b;
	struct futex_key key[2];
	u32 old, seen, value;
	long result, more;
	int error = wake_op_compute(operation, 0, &value);

	if (error || (operation >> 24 & 15) > 5)
		return -ENOSYS;
	for (;;) {
		error = futex_two_keys(address, address2, shared, key);
		if (error)
			return error;
		a = futex_bucket_of(&key[0]);
		b = futex_bucket_of(&key[1]);
		bucket_lock_two(a, b);
		error = get_user_u32_nofault(&old, (u32 *)address2);
		if (!error) {
			wake_op_compute(operation, old, &value);
			seen = old;
			error = cmpxchg_user_u32_nofault((u32 *)address2, &seen, value);
			if (!error && seen == old)
				break;
		}
		bucket_unlock_two(a, b);
		if (error && fault_in_user(address2, true))
			return -EFAULT;
	}
	result = bucket_wake(a, &key[0], wake, FUTEX_BITSET_ANY);
	if (result >= 0 && wake_op_holds(operation, old)) {
		more = bucket_wake(b, &key[1], wake2, FUTEX_BITSET_ANY);
		result = more < 0 ? more : result + more;
	}
	bucket_unlock_two(a, b);
	return result;
}

void futex_stats_read(struct futex_stats *stats)
{
	*stats = (struct futex_stats){0};
	for (u32 i = 0; i < FUTEX_BUCKETS; i++) {
		const struct futex_stats *s = &futex_buckets[i].stats;

		stats->waits += READ_ONCE(s->waits);
		stats->wakes += READ_ONCE(s->wakes);
		stats->woken += READ_ONCE(s->woken);
		stats->requeued += READ_ONCE(s->requeued);
		stats->timeouts += READ_ONCE(s->timeouts);
	}
}
