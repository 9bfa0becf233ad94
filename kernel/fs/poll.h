/* SPDX-License-Identifier: MIT
 *
 * What a file's poll operation needs: the bits that it returns, and how it names the wait queues
 * that are woken when the bits change.
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

/* What a call that waits for several files at once does with each wait queue.  `add` may sleep. */
struct poll_table {
	void (*add)(struct poll_table *t, struct wait_queue *q);
};

/* From a file's poll operation: wake the caller of poll() when `q` is woken.  `t` is NULL if the
 * caller only asks for the bits. */
static inline void poll_wait(struct poll_table *t, struct wait_queue *q)
{
	if (t)
		t->add(t, q);
}
