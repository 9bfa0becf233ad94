/* SPDX-License-Identifier: MIT
 *
 * Orphaned process groups, which no shell of their session would continue (POSIX 3.269): the
 * signals of terminals do not stop them, and members that have stopped already are hung up.
 */
#include "kernel/task/internal.h"
#include "kernel/task/per_thread.h"
#include "kernel/task/process_events.h"

/* Is the parent in another group of the same session? */
static bool links_group(const struct process *p)
{
	return p->parent->job.group != p->job.group && p->parent->job.session == p->job.session;
}

/* A group is orphaned if no member links it to its session.  Process 1 is no such parent, and a
 * process without threads, which is ending, no member.  Members from `pid` on are looked at first.
 * *stopped: one of those that were looked at is stopped. */
static bool is_orphaned(pid_t group, pid_t pid, bool *stopped)
{
	u64 flags = spin_lock_irq(&process_lock);
	struct process *p = process_from(BY_GROUP, group, pid);
	bool orphaned = true, again = true;
	u32 n = 0;

	*stopped = false;
	while (orphaned && (p || again)) {
		if (!p) {
			again = false;
			p = process_from(BY_GROUP, group, 0);
			continue;
		}
		orphaned = !p->thread_count || p->parent == init_process || !links_group(p);
		*stopped |= p->stop.stopped;
		p = process_walk(BY_GROUP, p, ++n);
	}
	spin_unlock_irq(&process_lock, flags);
	return orphaned;
}

bool process_group_orphaned(pid_t group)
{
	bool stopped;

	return is_orphaned(group, 0, &stopped);
}

/* The member `pid` of the group, which has linked it to its session, does so no more, or is about
 * to end.  POSIX, _exit(): if the group is orphaned now and has a stopped member, its members get
 * SIGHUP and SIGCONT. */
static void lost_link(pid_t group, pid_t pid)
{
	bool stopped;

	if (!is_orphaned(group, pid, &stopped) || !stopped)
		return;
	(void)signal_send_group(group, SIGHUP, NULL);
	(void)signal_send_group(group, SIGCONT, NULL);
}

/* The last child that was left, and its group, if the end of the process takes the link away. */
struct left {
	pid_t group, pid;
};

static DEFINE_PER_PROCESS(struct left, left_last);

/* A group is looked at once, when the next child is in another. */
bool process_leaves(struct process *p, const struct process *child)
{
	struct left *l = per_process(p, left_last), last = *l;
	bool linked = child && links_group(child);

	if (last.group && (!linked || child->job.group != last.group)) {
		l->group = 0;
		spin_unlock_irq(&process_lock, RFLAGS_IF);
		lost_link(last.group, last.pid);
		(void)spin_lock_irq(&process_lock);
		return true;
	}
	if (linked)
		*l = (struct left){child->job.group, child->pid};
	return false;
}

/* The last thread of `p` ends, so its own group may have lost a link. */
static void leave_group(struct process *p)
{
	u64 flags = spin_lock_irq(&process_lock);
	bool linked = links_group(p);

	spin_unlock_irq(&process_lock, flags);
	if (linked)
		lost_link(p->job.group, p->pid);
}

ON_EVENT(exit, leave_group);
