/* SPDX-License-Identifier: MIT
 *
 * A thread takes its signals: default actions, stopping, handlers, and what becomes of the system
 * call that was interrupted.
 */
#include "kernel/lib/abi.h"
#include "kernel/lib/errno.h"
#include "kernel/proc/internal.h"
#include "kernel/task/sched.h"

#define SYSCALL_BYTES 2 /* length of the SYSCALL instruction */

/* --- Interrupted system calls ----------------------------------------------------------------- */

/* signal(7), "Interruption of system calls by signal handlers".  `action` NULL: no handler. */
static void restart_syscall(struct trap_frame *f, const struct sigaction *action)
{
	u64 again = f->error; /* the call's number */

	if (f->vector != VECTOR_SYSCALL || (s64)f->error == -1)
		return;
	f->error = (u64)-1;
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

static void notify_parent(struct process *p, int code, int signal)
{
	u64 flags = spin_lock_irq(&process_lock);

	signal_notify_change(p, code, signal);
	spin_unlock_irq(&process_lock, flags);
}

/* Every thread of a stopped process ends up here; the last to come tells the parent.  signals.lock
 * is held, and released on return. */
static void stay_stopped(struct thread *t, u64 flags)
{
	struct process *p = t->process;
	u32 counted = p->stop.generation - 1;

	while (p->stop.stopped && !signal_dying(t)) {
		if (counted != p->stop.generation) {
			counted = p->stop.generation;
			if (--p->stop.threads_to_stop == 0) {
				int signal = p->stop.signal;

				spin_unlock_irq(&p->signals.lock, flags);
				notify_parent(p, CLD_STOPPED, signal);
				flags = spin_lock_irq(&p->signals.lock);
				continue;
			}
		}
		/* Under the lock: whoever ends the stop wakes us after this. */
		thread_set_state(THREAD_STOPPED);
		spin_unlock_irq(&p->signals.lock, flags);
		schedule();
		flags = spin_lock_irq(&p->signals.lock);
	}
	thread_set_state(THREAD_RUNNABLE);
	if (p->stop.stopped && counted == p->stop.generation)
		p->stop
		    .threads_to_stop++; /* thread_exit() takes every thread for one not counted */
	spin_unlock_irq(&p->signals.lock, flags);
}

/* The default action of a stop signal; signals.lock is held. */
static void begin_stop(struct process *p, int signal)
{
	struct thread *t;

	if (!p->stop.dequeued || p->stop.stopped)
		return; /* a SIGCONT came since it was taken */
	p->stop.stopped = true;
	p->stop.signal = signal;
	p->stop.reported = false;
	p->stop.continue_pending = false;
	p->stop.generation++;
	p->stop.threads_to_stop = p->thread_count;
	list_for_each (t, &p->threads, process_link)
		if (!t->exited)
			thread_notify(t, WORK_SIGNAL);
}

static void default_action(struct process *p, int signal)
{
	u64 flags;

	if (SIGNAL_BIT(signal) & SIGNAL_IGNORE_SET || p == init_process)
		return;
	if (!(SIGNAL_BIT(signal) & SIGNAL_STOP_SET))
		process_exit_group(signal);
	/* POSIX 2.4.3: nobody could continue a process of an orphaned group. */
	if (signal != SIGSTOP && process_group_orphaned(p->job.group))
		return;
	flags = spin_lock_irq(&p->signals.lock);
	begin_stop(p, signal);
	spin_unlock_irq(&p->signals.lock, flags);
}

/* The mask to go back to after a handler; with RESTORE_MASK, that is the one saved. */
static sigset_t take_return_mask(struct thread *t)
{
	u32 work = __atomic_fetch_and(&t->pending_work, ~WORK_RESTORE_MASK, __ATOMIC_SEQ_CST);

	return work & WORK_RESTORE_MASK ? t->signals.saved_mask : t->signals.mask;
}

static void run_handler(struct trap_frame *frame, int signal, const struct sigaction *action,
			const struct siginfo *info)
{
	sigset_t during = current_thread()->signals.mask | action->mask;
	sigset_t mask = take_return_mask(current_thread());

	restart_syscall(frame, action);
	if (signal_frame_build(frame, signal, action, info, mask) < 0) {
		signal_set_mask(mask);
		if (signal == SIGSEGV)
			process_exit_group(SIGSEGV); /* its own handler cannot help */
		signal_force(SIGSEGV, NULL);
		return;
	}
	if (!(action->flags & SA_NODEFER))
		during |= SIGNAL_BIT(signal);
	signal_set_mask(during);
}

/* Take one signal; its number and action, 0: none is there.  signals.lock is held. */
static int take_signal(struct thread *t, struct sigaction *action, struct siginfo *info)
{
	struct process *p = t->process;
	int signal = signal_take(~t->signals.mask, info);

	if (!signal)
		return 0;
	if (SIGNAL_BIT(signal) & SIGNAL_STOP_SET)
		p->stop.dequeued = true;
	*action = p->signals.actions[signal - 1];
	if (action->handler > SIG_IGN && action->flags & SA_RESETHAND)
		p->signals.actions[signal - 1].handler = SIG_DFL;
	return signal;
}

void signal_work(struct trap_frame *frame)
{
	struct thread *t = current_thread();
	struct process *p = t->process;
	struct sigaction action;
	struct siginfo info;
	u64 flags;
	int signal;

	/* ppoll() and kin that ended by themselves: their mask lets nothing more in. */
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
			notify_parent(p, CLD_CONTINUED, SIGCONT);
			continue;
		}
		if (p->stop.stopped) {
			stay_stopped(t, flags);
			continue;
		}
		signal = take_signal(t, &action, &info);
		if (!signal)
			break;
		spin_unlock_irq(&p->signals.lock, flags);
		if (action.handler > SIG_IGN) {
			run_handler(frame, signal, &action, &info);
			return;
		}
		if (action.handler == SIG_DFL)
			default_action(p, signal);
	}
	restart_syscall(frame, NULL);
	t->signals.mask = take_return_mask(t);
	signal_recalculate(t);
	spin_unlock_irq(&p->signals.lock, flags);
}
