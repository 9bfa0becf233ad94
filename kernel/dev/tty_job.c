/* SPDX-License-Identifier: MIT
 *
 * The functions of terminals that read or change process groups and sessions.
 */
#include "kernel/dev/tty_job.h"

#include "kernel/task/internal.h"

bool process_leads_session(const struct process *p)
{
	return p->job.session == p->pid;
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

	list_for_each (p, process_session_bucket(session), job.session_link)
		if (p->job.session == session && (!old || p->job.tty == old))
			WRITE_ONCE(p->job.tty, tty);
	spin_unlock_irq(&process_lock, flags);
}

bool signal_is_refused(int signal)
{
	return current_thread()->signals.mask & SIGNAL_BIT(signal) ||
	       signal_action_of(current_process(), signal).handler == SIG_IGN;
}
