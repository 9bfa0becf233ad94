/* SPDX-License-Identifier: MIT
 *
 * waitid(2), for a child that a number or a pidfd names.
 */
#include "kernel/lib/errno.h"
#include "kernel/linux/process/pidfd.h"
#include "kernel/proc/life.h"
#include "kernel/sys/calls.h"

#define WSTOPPED WUNTRACED

#define P_ALL	0
#define P_PID	1
#define P_PGID	2
#define P_PIDFD 3

static s32 info_status(const struct wait_result *w)
{
	switch (w->code) {
	case CLD_EXITED:
	case CLD_STOPPED:
	case CLD_TRAPPED:
		return w->status >> 8; /* with the event of a tracee */
	case CLD_CONTINUED:
		return SIGCONT;
	default:
		return w->status & 0x7f;
	}
}

/* The PID of the process of a pidfd.  -ECHILD if it has been reaped already.  With O_NONBLOCK the
 * descriptor asks for WNOHANG. */
static pid_t pidfd_pid(struct file *f, u32 *options)
{
	struct process *p = pidfd_process(f);
	struct thread *t;

	if (!p)
		return -EBADF;
	*options |= READ_ONCE(f->flags) & O_NONBLOCK ? WNOHANG : 0;
	t = pidfd_leader(p);
	if (!t)
		return -ECHILD;
	thread_put(t);
	return p->pid;
}

/* Whom to wait for.  0 or an error. */
static long target(u32 which, pid_t *id, u32 *options, enum wait_id *type)
{
	static const enum wait_id types[] = {WAIT_ID_ALL, WAIT_ID_PID, WAIT_ID_GROUP, WAIT_ID_PID};

	if (which > P_PIDFD || (which != P_ALL && *id < 0) || (which == P_PID && !*id))
		return -EINVAL;
	*type = types[which];
	if (which == P_PGID && !*id)
		*id = current_process()->job.group;
	if (which == P_PIDFD)
		*id = (pid_t)WITH_FILE(*id, pidfd_pid(file, options));
	return which == P_PIDFD && *id < 0 ? *id : 0;
}

SYSCALL5(waitid, which, number, user, options, usage)
{
	u32 asked = (u32)options, used = asked;
	struct siginfo info = {0};
	struct wait_result w;
	enum wait_id type;
	pid_t id = (pid_t)number;
	long result = -EINVAL;

	if (!(asked & ~(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | __WNOTHREAD |
			__WCLONE | __WALL)) &&
	    asked & (WEXITED | WSTOPPED | WCONTINUED))
		result = target((u32)which, &id, &used, &type);
	if (!result)
		result = process_wait(type, id, used, &w);
	if (!result && used != asked)
		result = -EAGAIN;
	if (result > 0) {
		result = 0;
		info.signo = SIGCHLD;
		info.code = w.code;
		info.child.pid = w.pid;
		info.child.uid = w.uid;
		info.child.status = info_status(&w);
		if (usage && rusage_put(usage, &w.use))
			return -EFAULT;
	}
	/* As on Linux, the siginfo is empty after an error. */
	return user && copy_to_user((void *)user, &info, sizeof(info)) ? -EFAULT : result;
}
