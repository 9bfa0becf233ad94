/* SPDX-License-Identifier: MIT
 *
 * Waiting on the wait queues of several files at once.
 */
#pragma once

#include "kernel/linux/poll_entries.h"

/* The entries of one call on the wait queues of all its files. */
struct poll_waits {
	struct poll_entries entries;
	bool triggered; /* one of the queues was woken */
};

void poll_waits_init(struct poll_waits *w);

/* Sleep until one of the queues is woken or the deadline passes: 0, -ETIMEDOUT, -EINTR.  Clears
 * `triggered`. */
int poll_waits_sleep(struct poll_waits *w, u64 deadline_ns);
