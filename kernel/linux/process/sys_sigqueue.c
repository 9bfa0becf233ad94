/* SPDX-License-Identifier: MIT
 *
 * rt_sigqueueinfo(): signals with a value, for sigqueue(3).
 */
#include "kernel/lib/errno.h"
#include "kernel/sys/calls.h"

/* A process may send a siginfo that looks like one from the kernel or kill() only to itself. */
SYSCALL3(rt_sigqueueinfo, pid, signal, user)
{
	struct siginfo info;
	struct process *p;
	int error;

	if (copy_from_user(&info, (void *)user, sizeof(info)))
		return -EFAULT;
	info.signo = (int)signal;
	if ((info.code >= 0 || info.code == SI_TKILL) && (pid_t)pid != current_process()->pid)
		return -EPERM;
	if ((u32)signal > SIGNAL_COUNT)
		return -EINVAL;
	p = process_find((pid_t)pid);
	if (!p)
		return -ESRCH;
	if (!may_signal(p, (int)signal))
		error = -EPERM;
	else
		error = signal ? signal_send_process(p, (int)signal, &info) : 0;
	process_put(p);
	return error;
}
