/* SPDX-License-Identifier: MIT
 *
 * Descriptors that name a process: clone(CLONE_PIDFD), pidfd_open(), pidfd_send_signal(),
 * pidfd_getfd().  Unlike a PID such a descriptor never names another process later. waitid(P_PIDFD)
 * is in sys_waitid.c.
 */
#include "kernel/linux/process/pidfd.h"

#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/linux/process_parts.h"
#include "kernel/linux/rights.h"
#include "kernel/linux/text.h"
#include "kernel/proc/life.h"
#include "kernel/sys/calls.h"
#include "kernel/task/probe.h"

struct thread *pidfd_leader(struct process *p)
{
	struct thread *t = thread_find(p->pid);

	if (t && t->process != p) { /* the number is that of another process by now */
		thread_put(t);
		return NULL;
	}
	return t;
}

/* Readable as soon as all threads have ended. */
static u32 pidfd_poll(struct file *f, struct poll_table *table)
{
	struct process *p = f->private;
	struct thread *t;

	poll_wait_for(table, &p->exec.wait, POLL_READ_BITS);
	if (!READ_ONCE(p->zombie))
		return 0;
	t = pidfd_leader(p);
	if (!t)
		return POLLIN | POLLRDNORM | POLLHUP;
	thread_put(t);
	return POLLIN | POLLRDNORM;
}

static void pidfd_release(struct file *f)
{
	process_put(f->private);
}

static void pidfd_show(struct file *f, struct text *text)
{
	struct process *p = f->private;
	struct thread *t = pidfd_leader(p);
	pid_t pid = t ? p->pid : -1; /* -1: it has been reaped */

	if (t)
		thread_put(t);
	text_printf(text, "Pid:\t%d\nNSpid:\t%d\n", pid, pid);
}

static const struct file_ops pidfd_ops = {
    .show = pidfd_show,
    .name = "[pidfd]",
    .release = pidfd_release,
    .poll = pidfd_poll,
};

struct process *pidfd_process(const struct file *f)
{
	return f->ops == &pidfd_ops ? f->private : NULL;
}

/* Make a descriptor for `p`.  Returns it, or an error.  Sleeps. */
static int pidfd_create(struct process *p, u32 flags)
{
	struct file *f = file_create_anonymous(&pidfd_ops, O_RDWR | flags, p, 0600);

	if (IS_ERR(f))
		return (int)PTR_ERR(f);
	process_get(p);
	return fd_install(f, 0, true);
}

int pidfd_install(struct process *child, const struct clone_args *args)
{
	int fd;

	if (args->flags & CLONE_DETACHED ||
	    (args->flags & CLONE_PARENT_SETTID && args->pidfd == args->parent_tid))
		return -EINVAL;
	fd = pidfd_create(child, 0);
	if (fd >= 0 && put_user_u32((u32 *)args->pidfd, (u32)fd)) {
		(void)fd_close((u32)fd);
		return -EFAULT;
	}
	return fd;
}

SYSCALL2(pidfd_open, pid, flags)
{
	struct thread *t;
	long result = -EINVAL;

	if ((u32)flags & ~O_NONBLOCK || (pid_t)pid <= 0)
		return -EINVAL;
	t = thread_find((pid_t)pid);
	if (!t)
		return -ESRCH;
	if (t == READ_ONCE(t->process->leader))
		result = pidfd_create(t->process, (u32)flags);
	thread_put(t);
	return result;
}

/* --- Signals ---------------------------------------------------------------------------------- */

#define PIDFD_SIGNAL_THREAD	   1
#define PIDFD_SIGNAL_THREAD_GROUP  2
#define PIDFD_SIGNAL_PROCESS_GROUP 4

#define PREFIX			   "/proc/"
#define PREFIX_LENGTH		   (sizeof(PREFIX) - 1)

/* Fill *info from the caller, or with what kill() sends if `user` is 0.  A process may send a
 * siginfo that looks like one from the kernel or kill() only to itself. */
static int info_get(struct siginfo *info, u64 user, int signal, const struct process *to)
{
	const struct thread *self = current_thread();

	if (!user) {
		*info = (struct siginfo){.signo = signal,
					 .code = SI_USER,
					 .kill = {self->pid, self->credentials.uid, 0}};
		return 0;
	}
	if (copy_from_user(info, (void *)user, sizeof(*info)))
		return -EFAULT;
	if (info->signo != signal)
		return -EINVAL;
	return to != self->process && (info->code >= 0 || info->code == SI_TKILL) ? -EPERM : 0;
}

static long send(struct process *p, int signal, u64 user, u32 flags)
{
	struct thread *t = pidfd_leader(p);
	struct siginfo info;
	long error = info_get(&info, user, signal, p);

	if (!error && !t)
		error = -ESRCH;
	if (!error && (u32)signal > SIGNAL_COUNT)
		error = -EINVAL;
	if (!error && flags == PIDFD_SIGNAL_PROCESS_GROUP)
		error = signal_kill(-p->pid, signal, &info);
	else if (!error && !may_signal(t, signal))
		error = -EPERM;
	else if (!error && flags == PIDFD_SIGNAL_THREAD)
		error = signal_send_thread(t, signal, &info);
	else if (!error)
		error = signal_send_process(p, signal, &info);
	if (t)
		thread_put(t);
	return error;
}

/* As on Linux an open directory /proc/PID names the process, too.  Returns it with a reference, or
 * NULL. */
static struct process *process_of_directory(const struct file *f)
{
	char path[PREFIX_LENGTH + 16];
	pid_t pid = 0;

	if (!S_ISDIR(f->inode->mode) || strcmp(f->inode->sb->type, "proc") ||
	    vfs_path_of(f->inode, path, sizeof(path)) < 0 || strncmp(path, PREFIX, PREFIX_LENGTH))
		return NULL;
	for (const char *digit = path + PREFIX_LENGTH; *digit; digit++) {
		if (*digit < '0' || *digit > '9')
			return NULL;
		pid = pid * 10 + (*digit - '0');
	}
	return process_find(pid);
}

static long send_by_file(const struct file *f, int signal, u64 user, u32 flags)
{
	struct process *p = pidfd_process(f);
	long error;

	if (p)
		return send(p, signal, user, flags);
	p = process_of_directory(f);
	if (!p)
		return -EBADF;
	error = send(p, signal, user, flags);
	process_put(p);
	return error;
}

SYSCALL4(pidfd_send_signal, fd, signal, user, flags)
{
	u32 how = (u32)flags;

	if (how && how != PIDFD_SIGNAL_THREAD && how != PIDFD_SIGNAL_THREAD_GROUP &&
	    how != PIDFD_SIGNAL_PROCESS_GROUP)
		return -EINVAL;
	return WITH_FILE(fd, send_by_file(file, (int)signal, user, how));
}

/* --- Descriptors ------------------------------------------------------------------------------ */

static long take_file(struct process *p, u32 fd)
{
	struct thread *t = pidfd_leader(p);
	bool allowed = t && may_attach(t);
	struct file_table *files = allowed ? process_files_get(p) : NULL;
	struct file *f;

	if (t)
		thread_put(t);
	if (!files)
		return t && !allowed ? -EPERM : -ESRCH;
	f = fd_get_from(files, fd, 0);
	file_table_put(files);
	return f ? fd_install(f, 0, true) : -EBADF;
}

SYSCALL3(pidfd_getfd, fd, number, flags)
{
	if ((u32)flags)
		return -EINVAL;
	return WITH_FILE(fd, pidfd_process(file) ? take_file(pidfd_process(file), (u32)number)
						 : -EBADF);
}
