/* SPDX-License-Identifier: MIT
 *
 * rt_sigqueueinfo() and rt_tgsigqueueinfo(): signals with a value, for sigqueue(3) and
 * pthread_sigqueue(3).
 */
#include "kernel/lib/errno.h"
#include "kernel/sys/calls.h"
#include "kernel/task/probe.h"

/* Copy a siginfo that the caller sends to the thread `tid`, or to its process.  A thread may send
 * what looks like a siginfo from the kernel or kill() only to itself. */
static int info_get(struct siginfo *info, u64 user, int signal, tid_t tid)
{
	if (copy_from_user(info, (void *)user, sizeof(*info)))
		return -EFAULT;
	info->signo = signal;
	return tid != current_thread()->tid && (info->code >= 0 || info->code == SI_TKILL) ? -EPERM
											   : 0;
}

/* Send to the thread, or to its process if `group` is 0; else the process must have that PID. */
static long send(pid_t group, tid_t tid, int signal, const struct siginfo *info)
{
	struct thread *t = thread_find(tid); /* as on Linux, any thread names its process */
	long error = 0;

	if (!t)
		return -ESRCH;
	if (group && t->process->pid != group)
		error = -ESRCH;
	else if ((u32)signal > SIGNAL_COUNT)
		error = -EINVAL;
	else if (!may_signal(t, signal))
		error = -EPERM;
	else if (signal)
		error = group ? signal_send_thread(t, signal, info)
			      : signal_send_process(t->process, signal, info);
	thread_put(t);
	return error;
}

SYSCALL3(rt_sigqueueinfo, pid, signal, user)
{
	struct siginfo info;
	int error = info_get(&info, user, (int)signal, (pid_t)pid);

	return error ? error : send(0, (pid_t)pid, (int)signal, &info);
}

SYSCALL4(rt_tgsigqueueinfo, group, tid, signal, user)
{
	struct siginfo info;
	int error = info_get(&info, user, (int)signal, (tid_t)tid);

	if (!error && ((pid_t)group <= 0 || (tid_t)tid <= 0))
		error = -EINVAL;
	return error ? error : send((pid_t)group, (tid_t)tid, (int)signal, &info);
}
