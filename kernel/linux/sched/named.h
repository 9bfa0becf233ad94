/* SPDX-License-Identifier: MIT
 *
 * The threads that getpriority(), setpriority(), ioprio_get() and ioprio_set() name: one thread, the
 * threads of a process group, or those of a user.
 */
#pragma once

#include "kernel/lib/base.h"

#define PRIO_PROCESS 0
#define PRIO_PGRP    1
#define PRIO_USER    2

struct thread;

/* Which threads a call means, and what it has come to so far. */
struct thread_walk {
	u32 which; /* PRIO_* */
	u32 who;   /* TID, process group, real user id; 0: the caller's own */
	int value; /* to be set */
	long result;
	/* Called for each thread.  For groups and users process_lock is held. */
	void (*visit)(struct thread *t, struct thread_walk *walk);
};

/* Visit them.  Returns walk->result, which is -ESRCH if there are no such threads, or -EINVAL. */
long threads_named(struct thread_walk *walk);
