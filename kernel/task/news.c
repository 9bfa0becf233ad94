/* SPDX-License-Identifier: MIT
 *
 * News for all threads of a process: it ends, stops or continues, another thread calls exec, or a
 * pending signal looks for a thread that can take it.
 */
#include "kernel/task/internal.h"
#include "kernel/task/sched.h"

void signal_recalculate(struct thread *t)
{
	struct process *p = t->process;

	assert_held(&p->signals.lock);
	/* WORK_SIGNAL: signal_work() has to end the thread, stop it, report that the process
	 * continues, or take a signal. */
	if (signal_dying(t) || signal_stops(t) || p->stop.continue_notify ||
	    (signal_own(t) | p->signals.pending) & (~t->signals.mask | t->signals.wait_set))
		thread_notify(t, WORK_SIGNAL);
	else if (t == current_thread())
		__atomic_fetch_and(&t->pending_work, ~WORK_SIGNAL, __ATOMIC_SEQ_CST);
}

void news_tell(struct thread *t, bool continued, const struct thread *exiting)
{
	if (t->exited || t == exiting)
		return;
	/* Also if the process has been stopped again: the thread must be counted in that stop. */
	if (continued && ptrace_on(t))
		ptrace_continued(t);
	else if (continued)
		thread_wake_from(t, THREAD_STOPPED);
	if (signal_dying(t))
		thread_notify(t, WORK_SIGNAL | WORK_KILLED);
	else
		signal_recalculate(t);
}

void news_spread(struct process *p, bool continued, const struct thread *exiting)
{
	struct thread *t;

	assert_held(&p->signals.lock);
	if (WITH_CROWD && p->thread_count > CROWD_MIN)
		crowd_tell(p, continued, exiting);
	else
		list_for_each (t, &p->threads, process_link)
			news_tell(t, continued, exiting);
}
