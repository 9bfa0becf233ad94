/* SPDX-License-Identifier: MIT
 *
 * Descriptors: close, dup, fcntl, ioctl, pipe.
 */
#include "kernel/ipc/pipe.h"
#include "kernel/lib/errno.h"
#include "kernel/sys/calls.h"

CALL(close, fd_close((u32)a))

#define CLOSE_RANGE_UNSHARE 2 /* nothing to do: a table is one process's */
#define CLOSE_RANGE_CLOEXEC 4

SYSCALL3(close_range, first, last, flags)
{
	if ((u32)first > (u32)last || (u32)flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC))
		return -EINVAL;
	return fd_close_range((u32)first, (u32)last, flags & CLOSE_RANGE_CLOEXEC);
}

/* Give `file` a descriptor: the lowest free from `from` on, or where `exactly` that one. */
static long install(struct file *file, u32 from, bool exactly, bool close_on_exec)
{
	long result;

	file_get(file);
	result = exactly ? fd_install_at(file, from, close_on_exec)
			 : fd_install(file, from, close_on_exec);
	if (result < 0)
		file_put(file);
	return result;
}

CALL(dup, WITH_FILE(a, install(file, 0, false, false)))
CALL(dup2, WITH_FILE(a, (u32)a == (u32)b ? (u32)a : install(file, (u32)b, true, false)))

SYSCALL3(dup3, fd, to, flags)
{
	if (flags & ~(u64)O_CLOEXEC || (u32)fd == (u32)to)
		return -EINVAL;
	return WITH_FILE(fd, install(file, (u32)to, true, flags));
}

#define F_DUPFD		0
#define F_GETFD		1
#define F_SETFD		2
#define F_GETFL		3
#define F_SETFL		4
#define F_DUPFD_CLOEXEC 1030
#define F_SETPIPE_SZ	1031
#define F_GETPIPE_SZ	1032

#define FLAGS_SETTABLE	(O_APPEND | O_NONBLOCK | O_NOATIME)

/* Change bits of file->flags, which other threads may be doing too. */
static void file_flags_change(struct file *f, u32 clear, u32 set)
{
	u32 old = READ_ONCE(f->flags);

	while (!__atomic_compare_exchange_n(&f->flags, &old, (old & ~clear) | set, true,
					    __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

static long file_control(struct file *f, u32 fd, u32 command, u64 argument)
{
	switch (command) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		if ((u32)argument >= vfs_current_file_limit())
			return -EINVAL;
		return install(f, (u32)argument, false, command == F_DUPFD_CLOEXEC);
	case F_GETFD:
		return fd_flags(fd);
	case F_SETFD:
		return fd_set_flags(fd, argument & 1);
	case F_GETFL:
		return READ_ONCE(f->flags);
	case F_SETFL:
		file_flags_change(f, FLAGS_SETTABLE, (u32)argument & FLAGS_SETTABLE);
		return 0;
	case F_SETPIPE_SZ:
		return pipe_set_size(f, (u32)argument);
	case F_GETPIPE_SZ:
		return pipe_size(f);
	}
	return -EINVAL;
}

CALL(fcntl, WITH_FILE(a, file_control(file, (u32)a, (u32)b, c)))

#define FIONBIO	 0x5421
#define FIONCLEX 0x5450
#define FIOCLEX	 0x5451

/* What every file understands stands here; the rest is the file's own. */
static long device_control(struct file *f, u32 fd, u32 request, u64 argument)
{
	u32 on;

	switch (request) {
	case FIOCLEX:
	case FIONCLEX:
		return fd_set_flags(fd, request == FIOCLEX);
	case FIONBIO:
		if (get_user_u32(&on, (u32 *)argument))
			return -EFAULT;
		file_flags_change(f, O_NONBLOCK, on ? O_NONBLOCK : 0);
		return 0;
	}
	return file_ioctl(f, request, argument);
}

CALL(ioctl, WITH_FILE(a, device_control(file, (u32)a, (u32)b, c)))

SYSCALL2(pipe2, user, flags)
{
	struct file *end[2];
	int fd[2] = {-1, -1}, error;

	if ((u32)flags & ~(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	error = pipe_create((u32)flags & O_NONBLOCK, &end[0], &end[1]);
	for (u32 i = 0; i < 2 && !error; i++) {
		fd[i] = fd_install(end[i], 0, flags & O_CLOEXEC);
		if (fd[i] < 0) {
			error = fd[i];
			file_put(end[1]);
			if (!i)
				file_put(end[0]);
		}
	}
	if (!error)
		error = copy_to_user((void *)user, fd, sizeof(fd));
	for (u32 i = 0; i < 2 && error; i++)
		if (fd[i] >= 0)
			fd_close((u32)fd[i]);
	return error;
}

CALL(pipe, sys_pipe2(a, 0, 0, 0, 0, 0))
