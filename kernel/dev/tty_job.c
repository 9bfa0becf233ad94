/* SPDX-License-Identifier: MIT
 *
 * The functions of terminals that read or change process groups and sessions.
 */
#include "kernel/dev/tty_job.h"

#include "kernel/task/internal.h"
#include "kernel/task/per_thread.h"
#include "kernel/task/process_events.h"

bool process_leads_session(const struct process *p)
{
	return p->job.session == p->pid;
}

bool process_group_exists(pid_t group, pid_t session)
{
	u64 flags = spin_lock_irq(&process_lock);
	struct process *p = process_from(BY_GROUP, group, 0);
	bool exists = p && p->job.session == session;

	spin_unlock_irq(&process_lock, flags);
	return exists;
}

void process_session_set_tty(pid_t session, struct tty *old, struct tty *tty)
{
	u64 flags = spin_lock_irq(&process_lock);
	struct process *p = process_from(BY_SESSION, session, 0);
	u32 n = 0;

	for (; p; p = process_walk(BY_SESSION, p, ++n))
		if (!old || p->job.tty == old)
			WRITE_ONCE(p->job.tty, tty);
	spin_unlock_irq(&process_lock, flags);
}

/* In the leader of a session that has lost its terminal: the group that was in the foreground. */
static DEFINE_PER_PROCESS(pid_t, lost_foreground);

void process_hang_up(pid_t session, pid_t foreground)
{
	struct process *leader = process_find(session);

	if (!leader)
		return;
	*per_process(leader, lost_foreground) = foreground;
	(void)signal_send_process(leader, SIGHUP, NULL);
	(void)signal_send_process(leader, SIGCONT, NULL);
	process_put(leader);
}

static void hang_up_foreground(struct process *p)
{
	pid_t group = *per_process(p, lost_foreground);

	/* Its number may be that of a group of another session by now. */
	if (!group || !process_group_exists(group, p->job.session))
		return;
	(void)signal_send_group(group, SIGHUP, NULL);
	(void)signal_send_group(group, SIGCONT, NULL);
}

ON_EVENT(exit, hang_up_foreground);

bool signal_is_refused(int signal)
{
	return current_thread()->signals.mask & SIGNAL_BIT(signal) ||
	       signal_action_of(current_process()->signals.actions, signal, false).handler == SIG_IGN;
}
