/* SPDX-License-Identifier: MIT
 *
 * Groups, sessions and what terminals ask about them (POSIX 2.4.4, 11.1; setpgid(2), setsid(2)).
 */
#include "kernel/dev/tty.h"
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

static pid_t tty_current_group(void)
{
	return current_process()->group;
}

static pid_t tty_current_session(void)
{
	return current_process()->session;
}

static bool tty_current_is_leader(void)
{
	return current_process()->session == current_process()->pid;
}

static struct tty *tty_current(void)
{
	return READ_ONCE(current_process()->tty);
}

/* Everyone in the session has `tty` from now on, where they had `old`. */
void process_session_set_tty(pid_t session, struct tty *old, struct tty *tty)
{
	u64 flags = spin_lock_irq(&process_lock);
	struct process *p;

	list_for_each (p, process_session_bucket(session), session_link)
		if (p->session == session && (!old || p->tty == old))
			WRITE_ONCE(p->tty, tty);
	spin_unlock_irq(&process_lock, flags);
}

static void tty_set_controlling(struct tty *tty)
{
	process_session_set_tty(current_process()->session, NULL, tty);
}

static void tty_drop_controlling(struct tty *tty)
{
	if (tty_current_is_leader())
		process_session_set_tty(current_process()->session, tty, NULL);
	else
		WRITE_ONCE(current_process()->tty, NULL);
}

static bool tty_group_exists(pid_t group, pid_t session)
{
	u64 flags = spin_lock_irq(&process_lock);
	bool exists = process_group_member(group, session);

	spin_unlock_irq(&process_lock, flags);
	return exists;
}

static bool tty_current_ignores(int signal)
{
	return current_thread()->signal_mask & SIGNAL_BIT(signal) ||
	       signal_action_of(current_process(), signal).handler == SIG_IGN;
}

static void tty_signal_group(pid_t group, int signal)
{
	(void)signal_send_group(group, signal, NULL); /* the group may have gone: no harm */
}

static const struct tty_process_hooks tty_hooks = {
    .current_group = tty_current_group,
    .current_session = tty_current_session,
    .current_is_leader = tty_current_is_leader,
    .current_tty = tty_current,
    .set_controlling = tty_set_controlling,
    .drop_controlling = tty_drop_controlling,
    .group_exists = tty_group_exists,
    .group_orphaned = process_group_orphaned,
    .current_ignores = tty_current_ignores,
    .signal_group = tty_signal_group,
};

void process_tty_init(void)
{
	tty_set_process_hooks(&tty_hooks);
}
