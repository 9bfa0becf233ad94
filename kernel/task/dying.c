/* SPDX-License-Identifier: MIT
 *
 * The four functions of dying.  A process dies when a fatal signal or exit_group() sets
 * `group_exiting`; the other threads of a process die when one thread calls exec, which sets
 * `exec.thread`.  No thread is ever destroyed from outside: these functions only mark and notify,
 * and each thread sees the mark in signal_work() on its way to user mode and calls thread_exit()
 * itself.  What SIGKILL meets, state by state: docs/rooms/proc.md.
 *
 * The caller of each holds signals.lock of the process.  None sleeps.
 */
#include "kernel/task/internal.h"

/* 1. The question.  Must `t` end, because its process ends or because another thread calls exec? */
bool signal_dying(const struct thread *t)
{
	const struct process *p = t->process;

	return p->group_exiting || (p->exec.thread && p->exec.thread != t);
}

/* 2. The notice.  Notify all living threads of `p` except `except` (NULL: none).  WORK_KILLED ends
 * every sleep that WAIT_KILLABLE or WAIT_SIGNALS allows to end, and the state THREAD_STOPPED. */
static void end_threads(struct process *p, const struct thread *except)
{
	struct thread *t;

	list_for_each (t, &p->threads, process_link)
		if (t != except && !t->exited)
			thread_notify(t, WORK_SIGNAL | WORK_KILLED);
}

/* 3. The whole process ends with `wait_status`.  The first caller decides the status. */
void signal_group_exit(struct process *p, int wait_status, const struct thread *exiting)
{
	assert_held(&p->signals.lock);
	if (p->group_exiting)
		return;
	p->group_exit_code = wait_status;
	p->group_exiting = true;
	p->stop.stopped = false;
	end_threads(p, exiting);
}

/* 4. One thread survives, because it calls exec. */
void signal_exec_kill(struct process *p, struct thread *survivor)
{
	assert_held(&p->signals.lock);
	p->exec.thread = survivor;
	end_threads(p, survivor);
}
