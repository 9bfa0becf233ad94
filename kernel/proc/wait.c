/* SPDX-License-Identifier: MIT
 *
 * wait4() and waitid(): wait for children (POSIX wait(), waitid(); wait(2) for __WALL, __WCLONE).
 *
 * Children belong to the process, not to the thread that created them, so __WNOTHREAD has no
 * effect.
 */
#include "kernel/lib/abi.h"
#include "kernel/lib/errno.h"
#include "kernel/proc/inspect.h"
#include "kernel/proc/internal.h"

static bool is_wanted(const struct process *child, enum wait_id type, pid_t id, u32 options)
{
	if (type == WAIT_ID_PID && child->pid != id)
		return false;
	if (type == WAIT_ID_GROUP && child->job.group != id)
		return false;
	/* A "clone child" sends another signal than SIGCHLD when it ends, or none (wait(2)). */
	return options & __WALL || !(options & __WCLONE) == (child->exit_signal == SIGCHLD);
}

static void result_fill(struct process *child, struct wait_result *result, int code, int status)
{
	*result = (struct wait_result){
	    .pid = child->pid, .uid = child->leader->credentials.uid, .code = code, .status = status,
	    .use = child->use.ended_threads}; /* of a child that lives, not all: to add is a walk */
	resource_use_add(&result->use, &child->use.children);
}

/* Fill *result and return true if `child` has something to report.  Unless WNOWAIT is set, the
 * report is consumed: a zombie leaves the tables, its resource use is added to the parent's, and
 * *reap is set to it; the caller frees it after the lock.  process_lock is held. */
static bool report_child(struct process *child, u32 options, struct wait_result *result,
			 struct process **reap)
{
	struct process *parent = child->parent;
	int status, code;
	bool found = false;
	u64 flags;

	if (child->zombie) {
		if (!(options & WEXITED) || ptrace_on(child->leader)) /* its tracer is first */
			return false;
		code = wait_status_code(child->group_exit_code, &status);
		result_fill(child, result, code, child->group_exit_code);
		if (!(options & WNOWAIT)) {
			resource_use_add(&parent->use.children, &result->use);
			process_unlink(child);
			*reap = child;
		}
		return true;
	}
	flags = spin_lock_irq(&child->signals.lock);
	if (options & WUNTRACED && child->stop.stopped && !child->stop.threads_to_stop &&
	    !child->stop.reported) {
		result_fill(child, result, CLD_STOPPED, child->stop.signal << 8 | 0x7f);
		child->stop.reported = !(options & WNOWAIT);
		found = true;
	} else if (options & WCONTINUED && child->stop.continue_pending) {
		result_fill(child, result, CLD_CONTINUED, 0xffff);
		if (!(options & WNOWAIT))
			child->stop.continue_pending = false;
		found = true;
	}
	spin_unlock_irq(&child->signals.lock, flags);
	return found;
}

/* 1: *result is filled.  0: there are matching children, but none has something to report.
 * -ECHILD: there is no matching child.  process_lock is held. */
static int report_any(struct process *p, enum wait_id type, pid_t id, u32 options,
		      struct wait_result *result, struct process **reap)
{
	bool only_zombies = !(options & (WUNTRACED | WCONTINUED));
	int answer = -ECHILD;
	u32 n = 0, events;
	struct process *child;

	if (type == WAIT_ID_PID) {
		child = process_lookup(id);
		if (!child || child->parent != p || !is_wanted(child, type, id, options))
			return -ECHILD;
		return report_child(child, options, result, reap);
	}
again:
	events = p->child_events;
	list_for_each (child, &p->children, sibling_link) {
		process_lock_pause(++n);
		if (p->child_events != events)
			goto again; /* else `child` is still in the list */
		if (!is_wanted(child, type, id, options))
			continue;
		if (report_child(child, options, result, reap))
			return 1;
		answer = 0;
		if (only_zombies && !child->zombie)
			break; /* zombies are at the front: become_zombie() */
	}
	return answer;
}

int process_wait(enum wait_id type, pid_t id, u32 options, struct wait_result *result)
{
	struct process *p = current_process(), *reap = NULL;
	u64 flags = spin_lock_irq(&process_lock);
	int answer;
	u32 seen;

	for (;;) {
		seen = p->child_events;
		answer = report_any(p, type, id, options, result, &reap);
		if (WITH_PTRACE && answer <= 0)
			answer = ptrace_wait(answer, type, id, options, result, &reap);
		if (answer != 0 || options & WNOHANG)
			break;
		if (p->child_events == seen && /* nothing happened in a pause */
		    wait_sleep_irq(&p->child_wait, &process_lock, WAIT_FOREVER, WAIT_SIGNALS) < 0) {
			answer = -ERESTARTSYS;
			break;
		}
		/* Only one thread was woken.  Each that has not seen the event wakes the next. */
		if (p->child_events != seen)
			wait_wake_one(&p->child_wait);
	}
	spin_unlock_irq(&process_lock, flags);
	if (reap)
		process_reap(reap);
	return answer;
}
