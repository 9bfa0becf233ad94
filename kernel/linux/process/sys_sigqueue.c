/* SPDX-License-Identifier: MIT
 *
 * rt_sigqueueinfo(): signals with a value, for sigqueue(3).
 */
#include "kernel/lib/errno.h"
#include "kernel/sys/calls.h"
#include "kernel/task/probe.h"

/* A process may send a siginfo that looks like one from the kernel or kill() only to itself. */
SYSCALL3(rt_sigqueueinfo, pid, signal, user)
{
	struct siginfo info;
	struct thread *t;
	int error;

	if (copy_from_user(&info, (void *)user, sizeof(info)))
		return -EFAULT;
	info.signo = (int)signal;
	if ((info.code >= 0 || info.code == SI_TKILL) && (pid_t)pid != current_process()->pid)
		return -EPERM;
	if ((u32)signal > SIGNAL_COUNT)
		return -EINVAL;
	t = thread_find((pid_t)pid); /* as on Linux, the TID of any thread names its process */
	if (!t)
		return -ESRCH;
	if (!may_signal(t, (int)signal))
		error = -EPERM;
	else
		error = signal ? signal_send_process(t->process, (int)signal, &info) : 0;
	thread_put(t);
	return error;
}
