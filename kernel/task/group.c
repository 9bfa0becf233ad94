/* SPDX-License-Identifier: MIT
 *
 * Groups, sessions and what terminals ask about them (POSIX 2.4.4, 11.1; setpgid(2), setsid(2)).
 */
#include "kernel/lib/errno.h"
#include "kernel/task/internal.h"

/* POSIX 3.269: no member has a parent in another group of the same session.  `ignoring` is about to
 * leave, and does not count as a member. */
bool process_group_orphaned_locked(pid_t group, const struct process *ignoring)
{
	struct process *p;

	assert_held(&process_lock);
	list_for_each (p, process_group_bucket(group), group_link) {
		if (p->group != group || p == ignoring || p->zombie)
			continue;
		if (p->parent != init_process && p->parent->group != group &&
		    p->parent->session == p->session)
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

static void move_to_group(struct process *p, pid_t group)
{
	pid_t old = p->group;

	list_remove(&p->group_link);
	p->group = group;
	list_push_back(process_group_bucket(group), &p->group_link);
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
	else if (p->session != self->session || p->session == p->pid)
		result = -EPERM;
	else if (p != self && p->did_exec)
		result = -EACCES;
	else if (group != pid && !process_group_member(group, self->session))
		result = -EPERM;
	else if (p->group != group)
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
		pid_t session = p->session;

		list_remove(&p->session_link);
		p->session = p->pid;
		list_push_back(process_session_bucket(p->pid), &p->session_link);
		p->tty = NULL;
		if (session != p->group)
			process_number_release(session);
		move_to_group(p, p->pid);
		result = p->pid;
	}
	spin_unlock_irq(&process_lock, flags);
	return result;
}

/* --- What terminals ask ----------------------------------------------------------------------- */

bool process_leads_session(const struct process *p)
{
	return p->session == p->pid;
}

bool process_group_exists(pid_t group, pid_t session)
{
	u64 flags = spin_lock_irq(&process_lock);
	bool exists = process_group_member(group, session);

	spin_unlock_irq(&process_lock, flags);
	return exists;
}

void process_session_set_tty(pid_t session, struct tty *old, struct tty *tty)
{
	u64 flags = spin_lock_irq(&process_lock);
	struct process *p;

	list_for_each (p, process_session_bucket(session), session_link)
		if (p->session == session && (!old || p->tty == old))
			WRITE_ONCE(p->tty, tty);
	spin_unlock_irq(&process_lock, flags);
}
