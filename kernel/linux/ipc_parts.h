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

struct message {
	union {
		struct list link;	/* of a System V queue */
		struct treap_node node; /* of a POSIX queue */
	};
	s64 type; /* or the priority */
	size_t size;
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
