/* SPDX-License-Identifier: MIT
 *
 * What the poll operation of a file needs: the bits that it returns, and poll_wait(), by which it
 * names the wait queues that are woken when the bits change.
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

/* A call that waits for several files at once gives this to each file; `add` is called for each
 * wait queue.  It may sleep. */
struct poll_table {
	void (*add)(struct poll_table *t, struct wait_queue *q, u32 bits);
};

#define POLL_READ_BITS	(POLLIN | POLLPRI | POLLRDNORM | POLLRDBAND | POLLRDHUP)
#define POLL_WRITE_BITS (POLLOUT | POLLWRNORM | POLLWRBAND)

/* The poll operation of a file calls this: poll() wakes up when `q` is woken.  `t` is NULL if the
 * caller only asks for the bits.  Waiters that want other bits than `bits` need not look at the
 * file; POLLERR and POLLHUP change with a wake-up of all queues of the file. */
static inline void poll_wait_for(struct poll_table *t, struct wait_queue *q, u32 bits)
{
	if (t)
		t->add(t, q, bits);
}

static inline void poll_wait(struct poll_table *t, struct wait_queue *q)
{
	poll_wait_for(t, q, POLL_READ_BITS | POLL_WRITE_BITS);
}
