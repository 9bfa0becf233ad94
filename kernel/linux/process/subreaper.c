/* SPDX-License-Identifier: MIT
 *
 * Who adopts the children of a process that ends: the nearest ancestor that has asked for that and
 * is not ending, or init (prctl(2), PR_SET_CHILD_SUBREAPER).
 *
 * There may be thousands of ancestors in between, and thousands of children: the ancestor is
 * searched once, with pauses, and noted by its number and the time of its start.
 */
#include "kernel/linux/process/subreaper.h"

#include "kernel/lib/base.h"
#include "kernel/task/internal.h"
#include "kernel/task/per_thread.h"

#define STEPS 256 /* before others get process_lock for a moment */

struct noted {
	pid_t pid;
	u64 started_ns;
};

static DEFINE_PER_PROCESS(bool, subreaper);
static DEFINE_PER_PROCESS(struct noted, adopter);

bool *subreaper_of(struct process *p)
{
	return per_process(p, subreaper);
}

static bool adopts(struct process *p)
{
	return p == init_process || (READ_ONCE(*per_process(p, subreaper)) && p->thread_count);
}

/* The process that was noted, or NULL if it has been reaped. */
static struct process *find(const struct noted *n)
{
	struct process *p = process_lookup(n->pid);

	return p && p->started_ns == n->started_ns ? p : NULL;
}

struct process *process_adopter(struct process *p)
{
	return find(per_process(p, adopter));
}

/* An ancestor that ends in a pause gives its children to one that is above it, so what lies above
 * the one that we have reached is searched next in any case. */
bool process_find_adopter(struct process *p)
{
	struct noted *n = per_process(p, adopter);
	struct process *r = find(n);
	bool paused = false;

	if (r && adopts(r))
		return false;
	r = p->parent;
	for (u32 steps = 1; !adopts(r); steps++) {
		r = r->parent;
		if (steps % STEPS)
			continue;
		*n = (struct noted){r->pid, r->started_ns};
		paused = true;
		process_lock_pause(0);
		r = find(n) ?: p->parent;
	}
	*n = (struct noted){r->pid, r->started_ns};
	return paused;
}
