/* SPDX-License-Identifier: MIT
 *
 * Descriptors: close, dup, fcntl, ioctl, pipe.
 */
#include "kernel/fs/file_table.h"
#include "kernel/ipc/pipe.h"
#include "kernel/lib/errno.h"
#include "kernel/sys/calls.h"

SYSCALL1(close, fd)
{
	return fd_close((u32)fd);
}

#define CLOSE_RANGE_UNSHARE 2
#define CLOSE_RANGE_CLOEXEC 4

SYSCALL3(close_range, first, last, flags)
{
	if ((u32)first > (u32)last || (u32)flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC))
		return -EINVAL;
	/* A process keeps its table for life; only one that is nobody else's is apart already. */
	if (flags & CLOSE_RANGE_UNSHARE && refcount_read(&current_process()->files->refs) > 1)
		return -EINVAL;
	return fd_close_range((u32)first, (u32)last, flags & CLOSE_RANGE_CLOEXEC);
}

/* The lowest free descriptor from `from` on. */
static long duplicate(u32 fd, u32 from, bool close_on_exec)
{
	struct file *f = fd_get(fd);
	int result;

	if (!f)
		return -EBADF;
	result = fd_install(f, from, close_on_exec);
	if (result < 0)
		file_put(f);
	return result;
}

static long duplicate_at(u32 fd, u32 to, bool close_on_exec)
{
	struct file *f;
	int result;

	f = fd_get(fd);
	if (!f)
		return -EBADF;
	result = to >= vfs_current_file_limit() ? -EBADF : fd_install_at(f, to, close_on_exec);
	if (result < 0)
		file_put(f);
	return result < 0 ? result : (long)to;
}

SYSCALL1(dup, fd)
{
	return duplicate((u32)fd, 0, false);
}

SYSCALL2(dup2, fd, to)
{
	if ((u32)fd == (u32)to) {
		int flags = fd_flags((u32)fd);

		return flags < 0 ? flags : (long)(u32)fd;
	}
	return duplicate_at((u32)fd, (u32)to, false);
}

SYSCALL3(dup3, fd, to, flags)
{
	if (flags & ~(u64)O_CLOEXEC || (u32)fd == (u32)to)
		return -EINVAL;
	return duplicate_at((u32)fd, (u32)to, flags);
}

#define F_DUPFD		0
#define F_GETFD		1
#define F_SETFD		2
#define F_GETFL		3
#define F_SETFL		4
#define F_SETOWN	8
#define F_GETOWN	9
#define F_DUPFD_CLOEXEC 1030
#define F_SETPIPE_SZ	1031
#define F_GETPIPE_SZ	1032

#define O_ASYNC		020000
#define FLAGS_SETTABLE	(O_APPEND | O_NONBLOCK | O_ASYNC | O_DIRECT | O_NOATIME)

/* Change bits of file->flags, which other threads may be doing too. */
static void file_flags_change(struct file *f, u32 clear, u32 set)
{
	u32 old = READ_ONCE(f->flags);

	while (!__atomic_compare_exchange_n(&f->flags, &old, (old & ~clear) | set, true,
					    __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

static long file_control(struct file *f, u32 command, u64 argument)
{
	switch (command) {
	case F_GETFL:
		return READ_ONCE(f->flags);
	case F_SETFL:
		file_flags_change(f, FLAGS_SETTABLE, (u32)argument & FLAGS_SETTABLE);
		return 0;
	case F_SETOWN:
		if ((s32)argument == INT32_MIN)
			return -EINVAL;
		WRITE_ONCE(f->owner, (s32)argument);
		return 0;
	case F_GETOWN:
		return READ_ONCE(f->owner);
	case F_SETPIPE_SZ:
		return pipe_set_size(f, (u32)argument);
	case F_GETPIPE_SZ:
		return pipe_size(f);
	}
	return -EINVAL;
}

SYSCALL3(fcntl, fd, command, argument)
{
	struct file *f;
	long result;

	switch ((u32)command) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		f = fd_get((u32)fd);
		if (!f)
			return -EBADF;
		file_put(f);
		if (argument >= vfs_current_file_limit())
			return -EINVAL;
		return duplicate((u32)fd, (u32)argument, (u32)command == F_DUPFD_CLOEXEC);
	case F_GETFD:
		return fd_flags((u32)fd);
	case F_SETFD:
		return fd_set_flags((u32)fd, argument & 1);
	}
	f = fd_get((u32)fd);
	if (!f)
		return -EBADF;
	/* open(2): of an O_PATH file nothing but the flags. */
	if (f->flags & O_PATH && (u32)command != F_GETFL)
		result = -EBADF;
	else
		result = file_control(f, (u32)command, argument);
	file_put(f);
	return result;
}

#define FIONCLEX 0x5450
#define FIOCLEX	 0x5451
#define FIONBIO	 0x5421

/* What every file understands stands here; the rest is the file's own. */
SYSCALL3(ioctl, fd, request, argument)
{
	struct file *f = fd_get((u32)fd);
	u32 on;
	long result;

	if (!f)
		return -EBADF;
	switch ((u32)request) {
	case FIOCLEX:
	case FIONCLEX:
		result = fd_set_flags((u32)fd, (u32)request == FIOCLEX);
		break;
	case FIONBIO:
		result = get_user_u32(&on, (u32 *)argument);
		if (!result)
			file_flags_change(f, O_NONBLOCK, on ? O_NONBLOCK : 0);
		break;
	default:
		result = f->flags & O_PATH ? -EBADF : file_ioctl(f, (u32)request, argument);
	}
	file_put(f);
	return result;
}

static long make_pipe(u64 user, u32 flags)
{
	struct file *end[2];
	int fd[2];
	int error;

	if (flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
		return -EINVAL;
	error = pipe_create(flags & ~O_CLOEXEC, &end[0], &end[1]);
	if (error)
		return error;
	fd[0] = fd_install(end[0], 0, flags & O_CLOEXEC);
	if (fd[0] < 0) {
		file_put(end[0]);
		file_put(end[1]);
		return fd[0];
	}
	fd[1] = fd_install(end[1], 0, flags & O_CLOEXEC);
	if (fd[1] < 0) {
		file_put(end[1]);
		fd_close((u32)fd[0]);
		return fd[1];
	}
	if (!copy_to_user((void *)user, fd, sizeof(fd)))
		return 0;
	fd_close((u32)fd[0]);
	fd_close((u32)fd[1]);
	return -EFAULT;
}

SYSCALL1(pipe, user)
{
	return make_pipe(user, 0);
}

SYSCALL2(pipe2, user, flags)
{
	return make_pipe(user, (u32)flags);
}
