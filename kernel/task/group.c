/* SPDX-License-Identifier: MIT
 *
 * Groups and sessions (POSIX 2.4.4, 11.1; setpgid(2), setsid(2)).
 */
#include "kernel/lib/errno.h"
#include "kernel/task/internal.h"

/* The caller holds process_lock. */
static void move_to_group(struct process *p, pid_t group)
{
	pid_t old = p->job.group;

	treap_remove(&process_trees[BY_GROUP], &p->nodes[BY_GROUP]);
	p->job.group = group;
	process_enter(p, BY_GROUP);
	process_number_release(old);
}

int process_set_group(pid_t pid, pid_t group)
{
	struct process *self = current_process(), *p, *member;
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
	member = process_from(BY_GROUP, group, 0); /* all members are in one session */
	if (!p || (p != self && p->parent != self))
		result = -ESRCH;
	else if (p->job.session != self->job.session || p->job.session == p->pid)
		result = -EPERM;
	else if (p != self && p->exec.done)
		result = -EACCES;
	else if (group != pid && (!member || member->job.session != self->job.session))
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

	if (!process_from(BY_GROUP, p->pid, 0)) {
		pid_t session = p->job.session;

		treap_remove(&process_trees[BY_SESSION], &p->nodes[BY_SESSION]);
		p->job.session = p->pid;
		process_enter(p, BY_SESSION);
		p->job.tty = NULL;
		if (session != p->job.group)
			process_number_release(session);
		move_to_group(p, p->pid);
		result = p->pid;
	}
	spin_unlock_irq(&process_lock, flags);
	return result;
}
