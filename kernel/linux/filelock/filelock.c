/* SPDX-License-Identifier: MIT
 *
 * The table of file locks: fcntl(2), flock(2).
 *
 * The thread that frees a lock hands the freed range to the waiters that can have it now, in the
 * order of their arrival, and wakes only these.  A waiter has allocated the memory that its lock
 * needs before it sleeps, so freeing needs none.
 *
 * A lock has no reference to its inode.  It ends with a descriptor or an open file of the inode.
 */
#include "kernel/linux/filelock/filelock.h"

#include "kernel/fs/file_events.h"
#include "kernel/lib/init.h"
#include "kernel/linux/errno.h"
#include "kernel/linux/proc_file.h"
#include "kernel/mem/slab.h"
#include "kernel/task/sched.h"

#define BUCKETS	       64
#define LOCKS_MAX      65536 /* in all, so that they do not fill the memory */
#define DEADLOCK_DEPTH 10    /* processes that wait for each other in a row, as on Linux */

/* A change needs at most two new locks: its own, and the rest of one that it splits. */
#define SPARES 2

/* A change of locks.  It is in the list of waiters if it had to wait. */
struct lock_change {
	struct file_lock wanted;
	struct list spare; /* unused struct file_lock */
	struct list link;  /* in bucket.waiting */
	struct thread *thread;
	const void *blocker; /* owner of the first lock that it waits for */
	bool done;	     /* by the thread that freed what this one waited for */
	int error;	     /* the result then: 0 or -EDEADLK */
};

struct bucket {
	struct list held, waiting; /* of the inodes with this hash; `held` is sorted by `start` */
};

static struct lock_class table_class = {"file locks", 0};
static struct mutex table_lock = MUTEX_INIT(table_lock, &table_class); /* guards all of this */
static struct bucket buckets[BUCKETS];
static u32 lock_count;

static void filelock_init(void)
{
	for (u32 i = 0; i < BUCKETS; i++) {
		list_init(&buckets[i].held);
		list_init(&buckets[i].waiting);
	}
}

EARLY_INIT_CALL(50, filelock_init);

static struct bucket *bucket_of(const struct inode *inode)
{
	return &buckets[(uintptr_t)inode / sizeof(*inode) % BUCKETS];
}

/* --- Relations of two locks ------------------------------------------------------------------- */

static bool same_kind(const struct file_lock *a, const struct file_lock *b)
{
	return a->inode == b->inode && (a->kind == LOCK_FLOCK) == (b->kind == LOCK_FLOCK);
}

static bool same_owner(const struct file_lock *a, const struct file_lock *b)
{
	return same_kind(a, b) && a->owner == b->owner;
}

static bool overlap(const struct file_lock *a, const struct file_lock *b)
{
	return a->start <= b->end && b->start <= a->end;
}

/* Also if one begins where the other ends. */
static bool touch(const struct file_lock *a, const struct file_lock *b)
{
	return overlap(a, b) || (a->end != LOCK_END && a->end + 1 == b->start) ||
	       (b->end != LOCK_END && b->end + 1 == a->start);
}

static bool conflict(const struct file_lock *held, const struct file_lock *wanted)
{
	if (wanted->type == F_UNLCK || !same_kind(held, wanted) || held->owner == wanted->owner)
		return false;
	return overlap(held, wanted) && (held->type == F_WRLCK || wanted->type == F_WRLCK);
}

static struct file_lock *find_conflict(const struct file_lock *wanted)
{
	struct file_lock *held;

	list_for_each (held, &bucket_of(wanted->inode)->held, link)
		if (conflict(held, wanted))
			return held;
	return NULL;
}

bool filelock_test(const struct file_lock *wanted, struct file_lock *found)
{
	struct file_lock *held, *first = NULL;

	mutex_lock(&table_lock);
	if (wanted->type != F_UNLCK)
		first = find_conflict(wanted);
	else
		list_for_each (held, &bucket_of(wanted->inode)->held, link)
			if (!first && same_owner(held, wanted) && overlap(held, wanted))
				first = held;
	if (first)
		*found = *first;
	mutex_unlock(&table_lock);
	return first;
}

/* --- Changes ---------------------------------------------------------------------------------- */

static void insert(struct file_lock *lock)
{
	struct file_lock *next;

	list_for_each (next, &bucket_of(lock->inode)->held, link)
		if (next->start > lock->start)
			break;
	list_push_back(&next->link, &lock->link);
	lock_count++;
}

/* Move the lock out of the table, to the spare ones. */
static void discard(struct lock_change *c, struct file_lock *lock)
{
	list_remove(&lock->link);
	list_push_back(&c->spare, &lock->link);
	lock_count--;
}

static void insert_copy(struct lock_change *c, const struct file_lock *lock, s64 start, s64 end)
{
	struct file_lock *copy = list_entry(list_pop_front(&c->spare), struct file_lock, link);

	*copy = *lock;
	copy->start = start;
	copy->end = end;
	insert(copy);
}

/* Remove the range `w` from `held`, which has the same owner and another type. */
static void cut(struct lock_change *c, const struct file_lock *w, struct file_lock *held)
{
	if (held->end > w->end)
		insert_copy(c, held, w->end + 1, held->end);
	if (held->start < w->start)
		held->end = w->start - 1;
	else
		discard(c, held);
}

/* Make the locks of the owner what c->wanted says.  No other owner's lock conflicts. */
static void apply(struct lock_change *c)
{
	struct file_lock w = c->wanted, *held, *next;

	list_for_each_safe (held, next, &bucket_of(w.inode)->held, link) {
		if (!same_owner(held, &w) || !touch(held, &w))
			continue;
		if (held->type == w.type) {
			w.start = MIN(w.start, held->start);
			w.end = MAX(w.end, held->end);
			discard(c, held);
		} else if (overlap(held, &w)) {
			cut(c, &w, held);
		}
	}
	if (w.type != F_UNLCK)
		insert_copy(c, &w, w.start, w.end);
}

/* Does the owner that `c` waits for wait, perhaps through others, for the owner of `c`?  Open files
 * have no deadlocks: several processes may use them. */
static bool is_deadlock(const struct lock_change *c)
{
	const void *owner = c->blocker;

	for (u32 depth = 0; c->wanted.kind == LOCK_POSIX && depth < DEADLOCK_DEPTH; depth++) {
		struct lock_change *w, *waiting = NULL;

		for (u32 i = 0; i < BUCKETS; i++)
			list_for_each (w, &buckets[i].waiting, link)
				if (w->wanted.kind == LOCK_POSIX && w->wanted.owner == owner)
					waiting = w;
		if (!waiting)
			return false;
		owner = waiting->blocker;
		if (owner == c->wanted.owner)
			return true;
	}
	return false;
}

/* Locks of the inode were freed or weakened: do what waiters can have now, and end the wait of one
 * that has become a deadlock. */
static void serve_waiters(const struct inode *inode)
{
	struct lock_change *c, *next;
	bool again;

	do { /* a conversion may free a range for a waiter that came earlier */
		again = false;
		list_for_each_safe (c, next, &bucket_of(inode)->waiting, link) {
			const struct file_lock *held = find_conflict(&c->wanted);

			if (c->wanted.inode != inode || (held && held->owner == c->blocker))
				continue;
			if (held) { /* it waits for another owner now */
				c->blocker = held->owner;
				if (!is_deadlock(c))
					continue;
				c->error = -EDEADLK;
			} else {
				apply(c);
				again = true;
			}
			list_remove(&c->link);
			c->done = true;
			thread_wake(c->thread);
		}
	} while (again);
}

static void spares_free(struct lock_change *c)
{
	struct list *link;

	while ((link = list_pop_front(&c->spare)))
		kfree(list_entry(link, struct file_lock, link));
}

/* Does freeing `w` split a lock?  This needs memory. */
static bool splits(const struct file_lock *w)
{
	struct file_lock *held;

	list_for_each (held, &bucket_of(w->inode)->held, link)
		if (same_owner(held, w) && held->start < w->start && held->end > w->end)
			return true;
	return false;
}

/* Sleep until another thread has done the change.  The caller holds table_lock, which is released
 * in between. */
static int wait_for_lock(struct lock_change *c)
{
	int error;

	list_push_back(&bucket_of(c->wanted.inode)->waiting, &c->link);
	mutex_unlock(&table_lock);
	error = sleep_until_woken(&c->done, WAIT_FOREVER, WAIT_SIGNALS);
	mutex_lock(&table_lock);
	list_remove(&c->link);
	return c->done ? c->error : error ? -ERESTARTSYS : 0;
}

static int change_locked(struct lock_change *c, bool wait)
{
	const struct file_lock *held = find_conflict(&c->wanted);

	if (!held) {
		apply(c);
		serve_waiters(c->wanted.inode);
		return 0;
	}
	if (!wait)
		return -EAGAIN;
	c->blocker = held->owner;
	return is_deadlock(c) ? -EDEADLK : wait_for_lock(c);
}

/* The first steps of flock(): it frees the old lock before it takes one of another type (flock(2)).
 * Returns whether it is done: the owner has the lock already. */
static bool flock_prepare(struct lock_change *c)
{
	struct file_lock *held;

	list_for_each (held, &bucket_of(c->wanted.inode)->held, link)
		if (same_owner(held, &c->wanted))
			break;
	if (&held->link == &bucket_of(c->wanted.inode)->held)
		return false;
	if (held->type == c->wanted.type)
		return true;
	discard(c, held);
	serve_waiters(c->wanted.inode);
	return false;
}

int filelock_set(const struct file_lock *wanted, bool wait)
{
	struct lock_change c = {.wanted = *wanted, .thread = current_thread()};
	u32 spares = 0;
	int error = 0;

	list_init(&c.spare);
	list_init(&c.link);
	for (; spares < SPARES; spares++) {
		struct file_lock *spare = kmalloc(sizeof(*spare));

		if (!spare)
			break;
		list_push_back(&c.spare, &spare->link);
	}
	mutex_lock(&table_lock);
	if ((spares < SPARES && (wanted->type != F_UNLCK || splits(wanted))) ||
	    (lock_count >= LOCKS_MAX && wanted->type != F_UNLCK))
		error = -ENOLCK;
	else if (wanted->kind != LOCK_FLOCK || !flock_prepare(&c))
		error = change_locked(&c, wait);
	mutex_unlock(&table_lock);
	spares_free(&c);
	return error;
}

void filelock_drop(const struct inode *inode, const void *owner, enum lock_kind kind)
{
	struct bucket *b = bucket_of(inode);
	struct file_lock *held, *next;
	struct lock_change c;

	if (list_empty(&b->held)) /* the owner's own locks are visible without table_lock */
		return;
	c = (struct lock_change){.wanted = {.inode = inode}};
	list_init(&c.spare);
	mutex_lock(&table_lock);
	list_for_each_safe (held, next, &b->held, link)
		if (held->inode == inode && held->owner == owner && held->kind == kind)
			discard(&c, held);
	if (!list_empty(&c.spare))
		serve_waiters(inode);
	mutex_unlock(&table_lock);
	spares_free(&c);
}

static void release_event(struct file *f)
{
	filelock_drop(f->inode, f, LOCK_OFD);
	filelock_drop(f->inode, f, LOCK_FLOCK);
}

static void close_event(struct file_table *t, struct file *f)
{
	if (!(f->flags & O_PATH))
		filelock_drop(f->inode, t, LOCK_POSIX);
}

FILE_EVENTS(filelock_events) = {.close = close_event, .release = release_event};

/* --- /proc/locks ------------------------------------------------------------------------------ */

static void print_lock(struct text *t, u32 number, const struct file_lock *l, bool waiting)
{
	static const char *const kinds[] = {"POSIX ", "OFDLCK", "FLOCK "};
	u64 device = l->inode->sb->device;

	text_printf(t, "%u: %s%s ADVISORY  %s %d %02x:%02x:%lu %ld ", number, waiting ? "-> " : "",
		    kinds[l->kind], l->type == F_WRLCK ? "WRITE" : "READ", l->pid,
		    (u32)(device >> 8), (u32)(device & 0xff), l->inode->ino, l->start);
	if (l->end == LOCK_END)
		text_printf(t, "EOF\n");
	else
		text_printf(t, "%ld\n", l->end);
}

/* Each lock is followed by those that wait for it. */
static void make_locks(struct text *t)
{
	struct file_lock *held;
	struct lock_change *c;
	u32 number = 0;

	mutex_lock(&table_lock);
	for (u32 i = 0; i < BUCKETS; i++)
		list_for_each (held, &buckets[i].held, link) {
			print_lock(t, ++number, held, false);
			list_for_each (c, &buckets[i].waiting, link)
				if (find_conflict(&c->wanted) == held)
					print_lock(t, number, &c->wanted, true);
		}
	mutex_unlock(&table_lock);
}

PROC_FILES(lock_files) = {{"locks", .make = make_locks}};
