/* SPDX-License-Identifier: MIT
 *
 * Waiting for several files at once: poll() and select().
 */
#pragma once

#include "kernel/task/wait.h"

#define POLLIN	   0x001
#define POLLPRI	   0x002
#define POLLOUT	   0x004
#define POLLERR	   0x008
#define POLLHUP	   0x010
#define POLLNVAL   0x020
#define POLLRDNORM 0x040
#define POLLRDBAND 0x080
#define POLLWRNORM 0x100
#define POLLWRBAND 0x200
#define POLLRDHUP  0x2000

struct poll_entry {
	struct waiter waiter;
	struct wait_queue *queue;
	struct poll_table *table;
	struct poll_entry *next;
};

/* One call's registration on the queues of all its files. */
struct poll_table {
	struct spinlock lock;	/* guards `triggered` */
	bool triggered;
	struct wait_queue queue;
	struct poll_entry *entries;
	int error;		/* -ENOMEM from poll_wait() */
	bool only_look;		/* poll_wait() adds nothing (second and later rounds) */
};

void poll_table_init(struct poll_table *t);

/* From a file's poll(): be woken when `q` is.  `t` may be NULL (just asking). */
void poll_wait(struct poll_table *t, struct wait_queue *q);

/* Sleep until some queue woke us or the deadline: 0, -ETIMEDOUT, -EINTR.  Clears `triggered`. */
int poll_table_sleep(struct poll_table *t, u64 deadline_ns);

/* Off all queues; frees the entries. */
void poll_table_release(struct poll_table *t);
