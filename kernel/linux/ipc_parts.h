/* SPDX-License-Identifier: MIT
 *
 * What System V objects and POSIX message queues share: bounded memory, sleeping until another
 * thread hands something over, and numbers in /proc/sys.
 */
#pragma once

#include "kernel/lib/list.h"
#include "kernel/lib/treap.h"
#include "kernel/sync/spinlock.h"

struct file;

/* Allocate zeroed memory that outlives the process which asks for it, or free it.  All of it
 * together is at most an eighth of the machine's memory.  NULL: there is no memory, or the bound is
 * reached. */
void *ipc_alloc(size_t size);
void ipc_free(void *object); /* NULL has no effect */

/* A thread that sleeps until another thread has done its work for it, or has refused it.  What the
 * waker hands over stands next to this structure, which lies on the sleeper's stack. */
struct handoff {
	struct list link;
	struct thread *thread;
	bool woken;
	int result;
	u64 size; /* of the room that it waits for, in struct room_waiters */
};

/* Append `h` to the list `waiting` and sleep until handoff_wake().  The caller holds `guard`, which
 * is released during the sleep.  `name` is what /proc shows.  Returns the result that the waker has
 * set, or -ETIMEDOUT or -EINTR if there was none; then `h` is in no list any more. */
int handoff_sleep(struct handoff *h, struct list *waiting, struct spinlock *guard, const char *name,
		  u64 deadline_ns);

/* Remove `h` from its list and wake its thread, whose sleep returns `result`.  The caller holds the
 * guard, and must not use `h` after it has released the guard. */
void handoff_wake(struct handoff *h, int result);

/* Wake all that are in a list to which no thread is added any more.  The guard is released for a
 * moment after each 16. */
void handoff_wake_all(struct list *waiting, struct spinlock *guard, int result);

/* A walk over a list of handoffs.  `at` marks the place; it begins as {0} and is put where the walk
 * begins, by list_push_front().  Returns the next one, and moves `at` behind it, so that the caller
 * may wake that; NULL at the end, and if handoff_wake_all() has emptied the list.  After each 16
 * steps the guard is released for a moment.  The caller removes `at` from the list. */
struct handoff *handoff_walk(struct list *waiting, struct handoff *at, struct spinlock *guard);

/* Those that wait for room, each for as much as its `size` says. */
struct room_waiters {
	struct list calls; /* struct handoff.link, in the order in which they came */
	u64 least;	   /* none waits for less */
	u32 began;	   /* counts how many began to wait */
};

void room_init(struct room_waiters *w);

/* handoff_sleep() for room of h->size. */
int room_sleep(struct room_waiters *w, struct handoff *h, struct spinlock *guard, const char *name,
	       u64 deadline_ns);

/* The one that has waited longest of those that fit into the room that `room(owner)` says, or NULL.
 * The guard is released for moments, but not after that one was found to fit. */
struct handoff *room_first_fit(struct room_waiters *w, struct spinlock *guard,
			       u64 (*room)(const void *owner), const void *owner);

struct message {
	struct treap_node node; /* in its queue, by type or priority */
	s64 type;		/* or the priority */
	size_t size;
	/* Of System V queues: */
	struct treap_node by_age;
	struct list same; /* the others of its type, which are not in the trees; the oldest first */
	u64 number;	  /* grows with each message of the queue */
	char data[];
};

/* Make a message of `size` bytes of user memory; ipc_free() frees it.  ERR_PTR(-ENOMEM, -EFAULT).
 * Sleeps. */
struct message *message_load(u64 user, size_t size);

/* Set the path of a new file, which /proc shows.  0 or -ENOMEM. */
int file_set_path(struct file *f, const char *format, ...) __printf(2, 3);

/* Parse `count` numbers that are separated by white space, each at most `most`, and set `to`.  0 or
 * -EINVAL; then nothing is set. */
int numbers_write(const char *text, u64 *to, u32 count, u64 most);

/* Define the functions of an entry of PROC_FILES() that shows the u64 variable `limit_NAME`, and
 * sets it to at most `most`. */
#define PROC_LIMIT(name, most)                                                                     \
	static void make_##name(struct text *t)                                                    \
	{                                                                                          \
		text_printf(t, "%lu\n", READ_ONCE(limit_##name));                                  \
	}                                                                                          \
	static int write_##name(const char *text, size_t length)                                   \
	{                                                                                          \
		return numbers_write(text, &limit_##name, 1, (most));                              \
	}
#define PROC_LIMIT_FILE(folder, name)                                                              \
	{                                                                                          \
		folder #name, .make = make_##name, .write = write_##name                           \
	}
