/* SPDX-License-Identifier: MIT
 *
 * Descriptors: close, dup, fcntl, ioctl, pipe.
 */
#include "kernel/ipc/pipe.h"
#include "kernel/lib/abi.h"
#include "kernel/lib/errno.h"
#include "kernel/sys/calls.h"
#include "kernel/sys/fcntl_command.h"

CALL(close, fd_close((u32)a))

static struct file *again(struct file *f)
{
	file_get(f);
	return f;
}

CALL(dup, WITH_ANY_FILE(a, fd_install(again(file), 0, false)))
CALL(dup2, WITH_ANY_FILE(a, (u32)a == (u32)b ? (int)a : fd_install_at(again(file), (u32)b, false)))

SYSCALL3(dup3, fd, to, flags)
{
	if (flags & ~(u64)O_CLOEXEC || (u32)fd == (u32)to)
		return -EINVAL;
	return WITH_ANY_FILE(fd, fd_install_at(again(file), (u32)to, flags));
}

#define F_DUPFD		0
#define F_GETFD		1
#define F_SETFD		2
#define F_GETFL		3
#define F_SETFL		4
#define F_DUPFD_CLOEXEC 1030

#define FLAGS_SETTABLE	(O_APPEND | O_NONBLOCK | O_NOATIME)

/* Change bits of file->flags atomically: other threads may change others at the same time. */
static void file_flags_change(struct file *f, u32 clear, u32 set)
{
	u32 old = READ_ONCE(f->flags);

	while (!__atomic_compare_exchange_n(&f->flags, &old, (old & ~clear) | set, true,
					    __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

static long file_control(struct file *f, u32 fd, u32 command, u64 argument)
{
	if (f->flags & O_PATH && command > F_GETFL && command != F_DUPFD_CLOEXEC)
		return -EBADF;
	switch (command) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		if ((u32)argument >= current_limit(RLIMIT_NOFILE))
			return -EINVAL;
		return fd_install(again(f), (u32)argument, command == F_DUPFD_CLOEXEC);
	case F_GETFD:
		return fd_flags(fd, NULL);
	case F_SETFD:
		return fd_flags(fd, &(bool){argument & 1});
	case F_GETFL:
		return READ_ONCE(f->flags);
	case F_SETFL:
		file_flags_change(f, FLAGS_SETTABLE, (u32)argument & FLAGS_SETTABLE);
		return 0;
	}
	linker_set_for_each(entry, fcntl_commands)
		if (entry->command == command)
			return entry->fn(f, fd, argument);
	return -EINVAL;
}

CALL(fcntl, WITH_ANY_FILE(a, file_control(file, (u32)a, (u32)b, c)))

#define FIONBIO	 0x5421
#define FIONCLEX 0x5450
#define FIOCLEX	 0x5451

/* Requests that every file understands, or every regular file; the file serves all others. */
static long device_control(struct file *f, u32 fd, u32 request, u64 argument)
{
	u32 value;

	switch (request) {
	case FIOCLEX:
	case FIONCLEX:
		return fd_flags(fd, &(bool){request == FIOCLEX});
	case FIONBIO:
		if (get_user_u32(&value, (u32 *)argument))
			return -EFAULT;
		file_flags_change(f, O_NONBLOCK, value ? O_NONBLOCK : 0);
		return 0;
	case FIONREAD:
		value = (u32)(READ_ONCE(f->inode->size) - READ_ONCE(f->position));
		if (S_ISREG(f->inode->mode))
			return put_user_u32((u32 *)argument, value);
	}
	return file_ioctl(f, request, argument);
}

CALL(ioctl, WITH_FILE(a, device_control(file, (u32)a, (u32)b, c)))

int fd_install_pair(struct file *const f[2], bool close_on_exec, u64 user)
{
	int fd[2], error = 0;

	for (u32 i = 0; i < 2; i++) {
		fd[i] = fd_install(f[i], 0, close_on_exec);
		error = error ?: MIN(fd[i], 0);
	}
	error = error ?: copy_to_user((void *)user, fd, sizeof(fd));
	for (u32 i = 0; i < 2 && error; i++)
		if (fd[i] >= 0)
			fd_close((u32)fd[i]);
	return error;
}

SYSCALL2(pipe2, user, flags)
{
	struct file *end[2];
	int error;

	if ((u32)flags & ~(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	error = pipe_create((u32)flags & O_NONBLOCK, &end[0], &end[1]);
	return error ?: fd_install_pair(end, flags & O_CLOEXEC, user);
}

CALL(pipe, sys_pipe2(a, 0, 0, 0, 0, 0))
