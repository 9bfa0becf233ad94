/* SPDX-License-Identifier: MIT
 *
 * getpriority(2) and setpriority(2): the nice values of a thread, of the processes of a group, or
 * of the processes of a user.  Nice values are kept and returned, and the scheduler ignores them.
 */
#include "kernel/lib/errno.h"
#include "kernel/linux/limits.h"
#include "kernel/linux/sched/permission.h"
#include "kernel/sys/sched_attributes.h"

#define PRIO_PROCESS 0
#define PRIO_PGRP    1
#define PRIO_USER    2
#define NICE_MIN     (-20)
#define NICE_MAX     19

/* Which threads a call means, and what it has come to so far. */
struct nice_walk {
	u32 which; /* PRIO_PGRP, PRIO_USER */
	u32 who;   /* process group, real user id */
	int nice;  /* to be set */
	long result;
	/* Called for each thread, with process_lock held. */
	void (*visit)(struct thread *t, struct nice_walk *walk);
};

/* getpriority() returns 20 - nice, which is never negative, of the most favoured thread. */
static void get_nice(struct thread *t, struct nice_walk *walk)
{
	walk->result = MAX(walk->result, 20 - READ_ONCE(per_thread(t, sched_attributes)->nice));
}

/* As on Linux, a failure for one thread is the result of the whole call, and the other threads get
 * the new value all the same. */
static void set_nice(struct thread *t, struct nice_walk *walk)
{
	struct sched_attributes *a = per_thread(t, sched_attributes);

	if (!may_reschedule(t)) {
		walk->result = -EPERM;
	} else if (walk->nice < READ_ONCE(a->nice) &&
		   (u64)(20 - walk->nice) > process_limit(t->process, RLIMIT_NICE) &&
		   !capable(CAP_SYS_NICE)) {
		walk->result = -EACCES;
	} else {
		if (walk->result == -ESRCH)
			walk->result = 0;
		WRITE_ONCE(a->nice, (s8)walk->nice);
	}
}

/* Visit the threads of `p` that the call means. */
static void visit_process(struct process *p, struct nice_walk *walk)
{
	u64 flags = spin_lock_irq(&process_lock);
	struct thread *t;

	if (walk->which == PRIO_USER || (u32)p->job.group == walk->who)
		list_for_each (t, &p->threads, process_link)
			if (walk->which == PRIO_PGRP || t->credentials.uid == walk->who)
				walk->visit(t, walk);
	spin_unlock_irq(&process_lock, flags);
}

/* Visit the threads that `which` and `who` name; `who` 0 is the caller's own thread, group or user.
 * Returns walk->result, which is -ESRCH if there are no such threads, or -EINVAL. */
static long for_each_named(struct nice_walk *walk)
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
		visit_process(p, walk);
	}
	return walk->result;
}

SYSCALL2(getpriority, which, who)
{
	struct nice_walk walk = {.which = (u32)which, .who = (u32)who, .visit = get_nice};

	return for_each_named(&walk);
}

SYSCALL3(setpriority, which, who, value)
{
	struct nice_walk walk = {.which = (u32)which,
				 .who = (u32)who,
				 .nice = MAX(MIN((s32)value, NICE_MAX), NICE_MIN),
				 .visit = set_nice};

	return for_each_named(&walk);
}
