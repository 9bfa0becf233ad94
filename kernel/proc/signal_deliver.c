/* SPDX-License-Identifier: MIT
 *
 * Delivery: a thread takes its pending signals on its way to user mode.  Default actions, stopping,
 * calling handlers, and restarting the system call that was interrupted.
 */
#include "kernel/lib/errno.h"
#include "kernel/proc/internal.h"
#include "kernel/task/sched.h"

#define SYSCALL_BYTES 2 /* length of the SYSCALL instruction */

/* --- Interrupted system calls ----------------------------------------------------------------- */

/* If a signal interrupted the system call of this frame, restart it or let it return -EINTR
 * (signal(7), "Interruption of system calls by signal handlers").  `action` is NULL if no handler
 * runs. */
static void restart_syscall(struct trap_frame *f, const struct sigaction *action)
{
	u64 again = f->error; /* number of the system call; -1: none to restart */

	if (f->vector != VECTOR_SYSCALL || (s64)f->error == -1)
		return;
	switch (-(s64)f->rax) {
	case ERESTARTNOINTR:
		break;
	case ERESTARTSYS:
		if (action && !(action->flags & SA_RESTART))
			goto interrupted;
		break;
	case ERESTARTNOHAND:
		if (action)
			goto interrupted;
		break;
	case ERESTART_RESTARTBLOCK:
		if (action)
			goto interrupted;
		again = NR_restart_syscall;
		break;
	default:
		return;
	}
	f->rax = again;
	f->rip -= SYSCALL_BYTES;
	return;
interrupted:
	f->rax = (u64)-EINTR;
}

/* Did the system call of this frame end because of a signal? */
static bool was_interrupted(const struct trap_frame *f)
{
	s64 error = -(s64)f->rax;

	return f->vector == VECTOR_SYSCALL &&
	       (error == EINTR || (error >= ERESTARTSYS && error <= ERESTART_RESTARTBLOCK));
}

/* --- Taking signals --------------------------------------------------------------------------- */

/* Report a stop or a continue to the parent (SIGCHLD and wait()).  No lock is held. */
static void report_change(struct process *p, int code, int signal)
{
	u64 flags = spin_lock_irq(&process_lock);

	signal_notify_change(p, code, signal);
	spin_unlock_irq(&process_lock, flags);
}

/* Sleep until the process is continued or this thread must die.  Every thread of a stopped process
 * comes here; the last one notifies the parent.  The caller holds signals.lock, which is released
 * on return.
 *
 * Interrupts stay off from the moment when the thread counts as stopped until it has left the CPU.  So
 * when the parent hears of the stop, no thread has been preempted in between and is RUNNABLE. */
static void stay_stopped(struct thread *t, u64 flags)
{
	struct process *p = t->process;

	while (signal_stops(t) && !signal_dying(t)) {
		bool last = false;

		if (t->signals.stop_generation != p->stop.generation) {
			t->signals.stop_generation = p->stop.generation;
			if (ptrace_on(t))
				ptrace_group_stop(t);
			last = --p->stop.threads_to_stop == 0;
		}
		/* The state is set under the lock, so a thread that ends the stop finds us STOPPED
		 * and wakes us.  A traced thread goes on to ptrace_trap(). */
		if (signal_stops(t))
			thread_set_state(THREAD_STOPPED);
		spin_unlock(&p->signals.lock);
		if (last)
			report_change(p, CLD_STOPPED, p->stop.signal);
		if (READ_ONCE(t->state) == THREAD_STOPPED)
			schedule();
		(void)spin_lock_irq(&p->signals.lock);
	}
	thread_set_state(THREAD_RUNNABLE);
	spin_unlock_irq(&p->signals.lock, flags);
	if (ptrace_has_work(t, WORK_TRAP))
		ptrace_trap(t);
}

/* The default action of a stop signal; signals.lock is held. */
static void begin_stop(struct process *p, int signal)
{
	if (p->group_exiting || !p->stop.dequeued || p->stop.stopped)
		return; /* SIGKILL or SIGCONT was sent after the stop signal had been taken */
	p->stop.stopped = true;
	p->stop.signal = signal;
	p->stop.reported = false;
	p->stop.continue_pending = false;
	p->stop.generation++;
	p->stop.threads_to_stop = p->thread_count;
	news_spread(p, false, NULL);
}

/* Ignore the signal, stop the process, or end it.  Init ignores every signal without a handler. */
static void default_action(struct process *p, int signal)
{
	u64 flags;

	if (SIGNAL_BIT(signal) & SIGNAL_IGNORE_SET || p == init_process)
		return;
	if (!(SIGNAL_BIT(signal) & SIGNAL_STOP_SET))
		process_exit_group(signal);
	/* POSIX 2.4.3: SIGTSTP, SIGTTIN and SIGTTOU do not stop a process of an orphaned group, as
	 * no job-control shell would continue it. */
	if (WITH_DEV && signal != SIGSTOP && process_group_orphaned(p->job.group))
		return;
	flags = spin_lock_irq(&p->signals.lock);
	begin_stop(p, signal);
	spin_unlock_irq(&p->signals.lock, flags);
}

/* The signal mask to restore after the handler: the saved one if a temporary mask is in force
 * (WORK_RESTORE_MASK, which is cleared), else the present one. */
static sigset_t take_return_mask(struct thread *t)
{
	u32 work = __atomic_fetch_and(&t->pending_work, ~WORK_RESTORE_MASK, __ATOMIC_SEQ_CST);

	return work & WORK_RESTORE_MASK ? t->signals.saved_mask : t->signals.mask;
}

/* Block what must be blocked while the handler runs, and return the mask to restore after it.
 * signals.lock is held. */
static sigset_t block_for_handler(struct thread *t, int signal, const struct sigaction *action)
{
	sigset_t own = action->flags & SA_NODEFER ? 0 : SIGNAL_BIT(signal);
	sigset_t during = t->signals.mask | action->mask | own, mask = take_return_mask(t);

	signal_set_mask_locked(t, during);
	return mask;
}

/* Make `frame` start the handler, after which `mask` is restored. */
static void run_handler(struct trap_frame *frame, int signal, const struct sigaction *action,
			const struct siginfo *info, sigset_t mask)
{
	restart_syscall(frame, action);
	if (signal_frame_build(frame, signal, action, info, mask) < 0) {
		signal_set_mask(mask);
		if (signal == SIGSEGV)
			process_exit_group(SIGSEGV); /* its own handler cannot run */
		signal_force(SIGSEGV, NULL);
		return;
	}
	if (ptrace_on(current_thread()))
		ptrace_resumed(frame, true);
}

/* Take one pending signal that is not blocked.  Returns its number and fills *action and *info; 0
 * if there is none; -1 if a tracer has discarded it.  signals.lock is held; a tracer's stop releases
 * it for a time. */
static int take_signal(struct thread *t, struct sigaction *action, struct siginfo *info)
{
	struct process *p = t->process;
	int signal = signal_take(~t->signals.mask, info);

	if (!signal)
		return 0;
	if (SIGNAL_BIT(signal) & SIGNAL_STOP_SET)
		p->stop.dequeued = true;
	if (ptrace_on(t) && ptrace_discards(t, &signal, info))
		return -1;
	*action = signal_action_of(p->signals.actions, signal, true);
	return signal;
}

void signal_work(struct trap_frame *frame)
{
	struct thread *t = current_thread();
	struct process *p = t->process;
	struct sigaction action;
	struct siginfo info;
	sigset_t mask = 0;
	bool handled;
	u64 flags;
	int signal;

	if (ptrace_has_work(t, WORK_PTRACE_CALL))
		ptrace_call_done(frame);
	/* ppoll() or pselect() returned without a signal: restore the old mask now, before signals
	 * are taken.  Otherwise a signal that only the temporary mask allowed would be
	 * delivered. */
	if (READ_ONCE(t->pending_work) & WORK_RESTORE_MASK && !was_interrupted(frame))
		signal_set_mask(take_return_mask(t));
	for (;;) {
		flags = spin_lock_irq(&p->signals.lock);
		if (signal_dying(t)) {
			int status = p->group_exiting ? p->group_exit_code : 0;

			spin_unlock_irq(&p->signals.lock, flags);
			thread_exit(status);
		}
		if (p->stop.continue_notify) {
			p->stop.continue_notify = false;
			spin_unlock_irq(&p->signals.lock, flags);
			report_change(p, CLD_CONTINUED, SIGCONT);
			continue;
		}
		if (signal_stops(t) || ptrace_has_work(t, WORK_TRAP)) {
			stay_stopped(t, flags);
			continue;
		}
		signal = take_signal(t, &action, &info);
		if (!signal)
			break;
		handled = signal > 0 && action.handler > SIG_IGN;
		if (handled)
			mask = block_for_handler(t, signal, &action);
		spin_unlock_irq(&p->signals.lock, flags);
		if (handled) {
			run_handler(frame, signal, &action, &info, mask);
			return;
		}
		if (signal > 0 && action.handler == SIG_DFL)
			default_action(p, signal);
	}
	restart_syscall(frame, NULL);
	t->signals.mask = take_return_mask(t);
	signal_recalculate(t);
	spin_unlock_irq(&p->signals.lock, flags);
	if (ptrace_on(t))
		ptrace_resumed(frame, false);
}
