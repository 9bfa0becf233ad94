/* SPDX-License-Identifier: MIT
 *
 * How a process is ended.  It dies when a fatal signal or exit_group() sets `group_exiting`; the other
 * threads of a process die when one thread calls exec, which sets `exec.thread`.  No thread is ever
 * destroyed from outside.  It is only notified (news.c): WORK_KILLED ends every sleep that
 * WAIT_KILLABLE or WAIT_SIGNALS allows to end, and the state THREAD_STOPPED.  Each thread asks
 * signal_dying() in signal_work(), on its way to user mode, and calls thread_exit() itself.  What
 * SIGKILL meets, state by state: docs/rooms/proc.md.
 */
#include "kernel/task/internal.h"

/* The first caller decides the status. */
void signal_group_exit(struct process *p, int wait_status, const struct thread *exiting)
{
	assert_held(&p->signals.lock);
	if (p->group_exiting)
		return;
	p->group_exit_code = wait_status;
	p->group_exiting = true;
	p->stop.stopped = false;
	news_spread(p, false, exiting);
}
