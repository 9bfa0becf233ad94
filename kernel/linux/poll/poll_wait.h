/* SPDX-License-Identifier: MIT
 *
 * Waiting on the wait queues of several files at once.
 */
#pragma once

#include "kernel/fs/poll.h"

struct poll_entry {
	struct waiter waiter;
	struct wait_queue *queue;
	struct poll_waits *waits;
	struct poll_entry *next;
};

/* The entries of one call on the wait queues of all its files. */
struct poll_waits {
	struct poll_table table;
	struct spinlock lock; /* guards `triggered` */
	bool triggered;
	struct wait_queue queue;
	struct poll_entry *entries;
	int error;	/* -ENOMEM: an entry could not be allocated */
	bool only_look; /* add no entry: second and later rounds */
};

void poll_waits_init(struct poll_waits *w);

/* Sleep until one of the queues is woken or the deadline passes: 0, -ETIMEDOUT, -EINTR.  Clears
 * `triggered`. */
int poll_waits_sleep(struct poll_waits *w, u64 deadline_ns);

/* Remove the entries from all queues and free them. */
void poll_waits_release(struct poll_waits *w);
