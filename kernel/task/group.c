/* SPDX-License-Identifier: MIT
 *
 * Groups, sessions and what terminals ask about them (POSIX 2.4.4, 11.1; setpgid(2), setsid(2)).
 */
#include "kernel/lib/errno.h"
#include "kernel/task/internal.h"

/* A group is orphaned if no member has a parent in another group of the same session: POSIX
 * 3.269. */
bool process_group_orphaned_locked(pid_t group, const struct process *ignoring)
{
	struct process *p;

	assert_held(&process_lock);
	list_for_each (p, process_group_bucket(group), job.group_link) {
		if (p->job.group != group || p == ignoring || p->zombie)
			continue;
		if (p->parent != init_process && p->parent->job.group != group &&
		    p->parent->job.session == p->job.session)
			return false;
	}
	return true;
}

bool process_group_orphaned(pid_t group)
{
	u64 flags = spin_lock_irq(&process_lock);
	bool orphaned = process_group_orphaned_locked(group, NULL);

	spin_unlock_irq(&process_lock, flags);
	return orphaned;
}

/* The caller holds process_lock. */
static void move_to_group(struct process *p, pid_t group)
{
	pid_t old = p->job.group;

	list_remove(&p->job.group_link);
	p->job.group = group;
	list_push_back(process_group_bucket(group), &p->job.group_link);
	process_number_release(old);
}

int process_set_group(pid_t pid, pid_t group)
{
	struct process *self = current_process(), *p;
	int result = 0;
	u64 flags;

	if (group < 0)
		return -EINVAL;
	if (!pid)
		pid = self->pid;
	if (!group)
		group = pid;
	flags = spin_lock_irq(&process_lock);
	p = process_lookup(pid);
	if (!p || (p != self && p->parent != self))
		result = -ESRCH;
	else if (p->job.session != self->job.session || p->job.session == p->pid)
		result = -EPERM;
	else if (p != self && p->exec.done)
		result = -EACCES;
	else if (group != pid && !process_group_member(group, self->job.session))
		result = -EPERM;
	else if (p->job.group != group)
		move_to_group(p, group);
	spin_unlock_irq(&process_lock, flags);
	return result;
}

int process_new_session(void)
{
	struct process *p = current_process();
	u64 flags = spin_lock_irq(&process_lock);
	int result = -EPERM;

	if (!process_group_member(p->pid, 0)) {
		pid_t session = p->job.session;

		list_remove(&p->job.session_link);
		p->job.session = p->pid;
		list_push_back(process_session_bucket(p->pid), &p->job.session_link);
		p->job.tty = NULL;
		if (session != p->job.group)
			process_number_release(session);
		move_to_group(p, p->pid);
		result = p->pid;
	}
	spin_unlock_irq(&process_lock, flags);
	return result;
}

/* --- What terminals ask ----------------------------------------------------------------------- */
