/* SPDX-License-Identifier: MIT
 *
 * The size of a pipe: fcntl(F_GETPIPE_SZ, F_SETPIPE_SZ).
 */
#include "kernel/linux/pipe/pipe_size.h"

#include "kernel/ipc/pipe_internal.h"
#include "kernel/lib/errno.h"
#include "kernel/linux/pipe_count.h"
#include "kernel/linux/rights.h"
#include "kernel/mem/page.h"
#include "kernel/mem/slab.h"
#include "kernel/sys/fcntl_command.h"

#define PIPE_SIZE_MAX 1048576
#define COUNT_DEFAULT (PIPE_SIZE_DEFAULT / PAGE_SIZE) /* no user is charged for so few pages */

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

/* The pages of an enlarged pipe, and the user that they are charged to: inode->private.  The charge
 * ends with the inode.  A FIFO that was closed keeps it until it is removed, or is opened and gets
 * another size. */
struct charge {
	u32 uid, pages;
};

static void charge_end(struct inode *inode)
{
	struct charge *c = inode->private;

	(void)count_pipe_pages(c->uid, -(s32)c->pages);
}

static const struct inode_ops charged_ops = {.release = charge_end};

/* pipe_set_count(), and charge the pages to the user.  -EPERM: it has too many.  The caller holds
 * p->lock. */
static int set_count(struct inode *inode, struct pipe *p, u32 count)
{
	struct charge *c = inode->private;
	s32 pages = count > COUNT_DEFAULT ? (s32)count : 0, more, undo;
	int error;

	if (!c && pages) {
		c = kzalloc(sizeof(*c));
		if (!c)
			return -ENOMEM;
		inode->private = c;
		WRITE_ONCE(inode->ops, &charged_ops);
	}
	if (!c)
		return pipe_set_count(p, count);
	if (!c->pages)
		c->uid = current_thread()->credentials.uid;
	more = pages - (s32)c->pages;
	if (more > 0 && !count_pipe_pages(c->uid, more))
		return -EPERM;
	error = pipe_set_count(p, count);
	undo = error ? -MAX(more, 0) : MIN(more, 0);
	if (undo)
		(void)count_pipe_pages(c->uid, undo);
	if (!error)
		c->pages = (u32)pages;
	return error;
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
	error = set_count(f->inode, p, count);
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
