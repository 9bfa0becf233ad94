/* SPDX-License-Identifier: MIT
 *
 * Entries in the wait queues of files: what poll() and epoll keep there to be told that the state
 * of a file may have changed.
 */
#pragma once

#include "kernel/fs/poll.h"

/* One entry in one queue. */
struct poll_entry {
	struct waiter waiter;
	struct wait_queue *queue;
	struct poll_queue *late; /* the queue, if it may wake this entry after the event */
	struct poll_entries *all;
	struct poll_entry *next;
	u32 bits; /* what a wake-up of this queue can mean; see poll_wait_for() */
};

/* Can a wake-up that means one of `bits` concern who wants `wanted`?  All concern who only wants
 * POLLERR and POLLHUP. */
static inline bool poll_concerns(u32 wanted, u32 bits)
{
	wanted &= POLL_READ_BITS | POLL_WRITE_BITS;
	return !wanted || wanted & bits;
}

/* The entries of one user.  The caller sets `wake` and `exclusive`, which each new entry gets, and
 * gives `table` to file_poll(). */
struct poll_entries {
	struct poll_table table;
	void (*wake)(struct waiter *w);
	struct poll_entry *first;
	u32 wanted; /* bits: no entry in queues that cannot concern them; 0: in all */
	bool exclusive;
	bool only_look; /* add no further entries */
	int error;	/* -ENOMEM: an entry could not be allocated */
};

void poll_entries_init(struct poll_entries *all, void (*wake)(struct waiter *w));

/* Remove the entries from all queues and free them.  Afterwards `wake` is not running and will not
 * be called. */
void poll_entries_release(struct poll_entries *all);
