/* SPDX-License-Identifier: MIT
 *
 * The size of a pipe: fcntl(F_GETPIPE_SZ, F_SETPIPE_SZ).
 */
#include "kernel/linux/pipe/pipe_size.h"

#include "kernel/ipc/pipe_internal.h"
#include "kernel/lib/errno.h"
#include "kernel/linux/pipe_count.h"
#include "kernel/mem/page.h"
#include "kernel/sys/fcntl_command.h"

#define PIPE_SIZE_MAX 1048576

#define F_SETPIPE_SZ  1031
#define F_GETPIPE_SZ  1032

static struct pipe *pipe_of(struct file *f)
{
	return f->ops == &pipe_ops ? f->private : NULL;
}

static long pipe_size(struct file *f, u32 fd, u64 unused)
{
	struct pipe *p = pipe_of(f);

	return p ? (long)(READ_ONCE(p->count) * PAGE_SIZE) : -EBADF;
}

long pipe_set_size(struct file *f, u64 size)
{
	struct pipe *p = pipe_of(f);
	u32 count = 1;
	int error;

	if (!p)
		return -EBADF;
	size = (u32)size; /* fcntl(2) takes an unsigned int */
	if (size > INT32_MAX)
		return -EINVAL;
	if (size > PIPE_SIZE_MAX)
		return -EPERM;
	while (count * PAGE_SIZE < size)
		count *= 2;
	mutex_lock(&p->lock);
	error = pipe_set_count(p, count);
	mutex_unlock(&p->lock);
	if (error)
		return error;
	wait_wake_all(&p->writable);
	return count * PAGE_SIZE;
}

static long set_size(struct file *f, u32 fd, u64 size)
{
	return pipe_set_size(f, size);
}

static const struct fcntl_command LINKER_SET_ENTRY(fcntl_commands,
						   struct fcntl_command) commands[] = {
    {F_SETPIPE_SZ, set_size},
    {F_GETPIPE_SZ, pipe_size},
};
