/* SPDX-License-Identifier: MIT
 *
 * Signals.
 */
#include "kernel/lib/errno.h"
#include "kernel/sys/calls.h"
#include "kernel/task/internal.h"

#define SIG_BLOCK   0
#define SIG_UNBLOCK 1
#define SIG_SETMASK 2

SYSCALL4(rt_sigaction, signal, user, old_user, size)
{
	struct sigaction action, old;
	int error;

	if (size != sizeof(sigset_t))
		return -EINVAL;
	if (user && copy_from_user(&action, (void *)user, sizeof(action)))
		return -EFAULT;
	error = signal_action((int)signal, user ? &action : NULL, &old);
	if (error || !old_user)
		return error;
	return copy_to_user((void *)old_user, &old, sizeof(old));
}

SYSCALL4(rt_sigprocmask, how, user, old_user, size)
{
	sigset_t old = current_thread()->signals.mask, set;
	int error;

	if (size != sizeof(sigset_t))
		return -EINVAL;
	if (user) {
		error = sigset_get(&set, user, size);
		if (error)
			return error;
		switch ((u32)how) {
		case SIG_BLOCK:
			set = old | set;
			break;
		case SIG_UNBLOCK:
			set = old & ~set;
			break;
		case SIG_SETMASK:
			break;
		default:
			return -EINVAL;
		}
		signal_set_mask(set);
	}
	return old_user ? copy_to_user((void *)old_user, &old, sizeof(old)) : 0;
}

CALL(rt_sigreturn, signal_return(thread_frame(current_thread())))

/* signal_work() makes the thread call this after a call that ended with -ERESTART_RESTARTBLOCK. */
SYSCALL0(restart_syscall)
{
	struct thread *t = current_thread();

	return t->restart.fn ? (long)t->restart.fn(t) : -EINTR;
}

SYSCALL2(rt_sigpending, user, size)
{
	const struct thread *t = current_thread();
	sigset_t pending = signal_own(t) | READ_ONCE(t->process->signals.pending);
	sigset_t set = pending & t->signals.mask;

	return size > sizeof(set) ? -EINVAL : copy_to_user((void *)user, &set, size);
}

/* Sleep until a signal comes. */
static long wait_for_signal(void)
{
	while (!sleep_until(WAIT_FOREVER, WAIT_SIGNALS))
		;
	return -ERESTARTNOHAND;
}

CALL(pause, wait_for_signal())

SYSCALL2(rt_sigsuspend, user, size)
{
	sigset_t mask;
	int error = sigset_get(&mask, user, size);

	if (error)
		return error;
	signal_set_temporary_mask(mask);
	return wait_for_signal();
}

SYSCALL2(sigaltstack, user, old_user)
{
	struct signal_stack stack, old;
	int error;

	if (user && copy_from_user(&stack, (void *)user, sizeof(stack)))
		return -EFAULT;
	error = signal_altstack(user ? &stack : NULL, &old, thread_frame(current_thread())->rsp);
	if (error || !old_user)
		return error;
	return copy_to_user((void *)old_user, &old, sizeof(old));
}

/* --- Sending ---------------------------------------------------------------------------------- */

/* Send a signal to all processes except init and the caller.  A child that is made in the meantime does
 * not miss it: its fork() sees group_signals changed and starts again. */
static int send_to_all(int signal, const struct siginfo *info)
{
	u64 flags = spin_lock_irq(&process_lock);
	int result = -ESRCH;
	bool sent = WITH_CROWD && crowd_signal(-1, signal, info, flags, &result);
	struct process *p = sent ? NULL : process_from(BY_PID, 0, 2);

	for (; p; p = process_from(BY_PID, 0, p->pid + 1)) {
		int one;

		if (p == current_process())
			continue;
		one = signal_send_member(p, signal, info);
		if (result != 0)
			result = one == -EPERM ? 0 : one; /* as on Linux */
	}
	spin_unlock_irq(&process_lock, flags);
	return result;
}

int signal_kill(pid_t pid, int signal, const struct siginfo *info)
{
	struct thread *t;
	int result;

	if (signal < 0 || signal > SIGNAL_COUNT)
		return -EINVAL;
	if (pid == -1)
		return send_to_all(signal, info);
	if (pid == INT32_MIN)
		return -ESRCH;
	if (pid <= 0)
		return signal_send_group(pid ? -pid : current_process()->job.group, signal, info);
	t = thread_find(pid); /* as on Linux, the TID of any thread names its process */
	if (!t)
		return -ESRCH;
	result = may_signal(t, signal) ? signal_send_process(t->process, signal, info) : -EPERM;
	thread_put(t);
	return result;
}

static struct siginfo info_from_caller(int signal, int code)
{
	const struct thread *t = current_thread();

	return (struct siginfo){
	    .signo = signal, .code = code, .kill = {t->pid, t->credentials.uid, 0}};
}

/* Send to a thread, which must belong to process `group` unless that is -1. */
static long signal_thread(pid_t group, tid_t tid, int signal)
{
	struct siginfo info = info_from_caller(signal, SI_TKILL);
	struct thread *t;
	long result;

	if (signal < 0 || signal > SIGNAL_COUNT || tid <= 0)
		return -EINVAL;
	t = thread_find(tid);
	if (!t)
		return -ESRCH;
	result = group != -1 && t->process->pid != group ? -ESRCH
		 : !may_signal(t, signal)		  ? -EPERM
							  : signal_send_thread(t, signal, &info);
	thread_put(t);
	return result;
}

SYSCALL2(kill, pid, signal)
{
	struct siginfo info = info_from_caller((int)signal, SI_USER);

	return signal_kill((pid_t)pid, (int)signal, &info);
}

CALL(tkill, signal_thread(-1, (tid_t)a, (int)b))
CALL(tgkill, (pid_t)a <= 0 ? -EINVAL : signal_thread((pid_t)a, (tid_t)b, (int)c))
