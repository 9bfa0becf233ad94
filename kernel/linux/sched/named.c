/* SPDX-License-Identifier: MIT
 *
 * Walking over the threads that getpriority() and its like name.
 */
#include "kernel/linux/sched/named.h"

#include "kernel/lib/errno.h"
#include "kernel/linux/process_parts.h"
#include "kernel/sys/calls.h"

static void visit_owned(struct thread *t, void *data)
{
	struct thread_walk *walk = data;

	if (walk->which == PRIO_PGRP || READ_ONCE(t->credentials.uid) == walk->who)
		walk->visit(t, walk);
}

long threads_named(struct thread_walk *walk)
{
	struct process *p;
	struct thread *t;

	walk->result = -ESRCH;
	switch (walk->which) {
	case PRIO_PROCESS:
		t = thread_by_argument((tid_t)walk->who);
		if (!t)
			return -ESRCH;
		walk->visit(t, walk);
		thread_put(t);
		return walk->result;
	case PRIO_PGRP:
		if (!walk->who)
			walk->who = (u32)current_process()->job.group;
		break;
	case PRIO_USER:
		if (!walk->who)
			walk->who = current_thread()->credentials.uid;
		break;
	default:
		return -EINVAL;
	}
	for (pid_t next = 1; (p = process_next(next)); process_put(p)) {
		next = p->pid + 1;
		if (walk->which == PRIO_USER || (u32)READ_ONCE(p->job.group) == walk->who)
			process_threads_visit(p, visit_owned, walk);
	}
	return walk->result;
}
