/* SPDX-License-Identifier: MIT
 *
 * FIFOs: pipes that have a name.
 */
#include "kernel/fs/device.h"
#include "kernel/ipc/pipe_internal.h"
#include "kernel/lib/errno.h"

/* fifo(7): the open of each end waits for the other end, and O_RDWR does not wait.  With O_NONBLOCK
 * a reader does not wait, and a writer gets -ENXIO.  Once open, the file is one end of a pipe.  The
 * inode of a pipe without a name is opened through /proc/PID/fd (/dev/stdin): this never waits. */
static int fifo_open(struct file *file)
{
	struct inode *inode = file->inode;
	bool named = inode->sb->root, met;
	u32 mode = file->flags & O_ACCMODE, seen, *opens;
	struct pipe *p;
	int error = 0;

	mutex_lock(&inode->lock);
	p = inode->pipe;
	if (!p)
		p = inode->pipe = pipe_new();
	if (p)
		p->files++;
	mutex_unlock(&inode->lock);
	if (!p)
		return -ENOMEM;
	if (named && mode == O_WRONLY && file->flags & O_NONBLOCK && !READ_ONCE(p->readers)) {
		pipe_drop(inode, p);
		return -ENXIO;
	}
	file->private = p;
	opens = mode == O_RDONLY ? &p->writer_opens : &p->reader_opens;
	/* Look for the other end before this one is counted: a thread that waits for this end wakes
	 * then, and may close its own end before this thread looks. */
	mutex_lock(&p->lock);
	seen = *opens;
	met = mode == O_RDONLY ? p->writers : p->readers;
	mutex_unlock(&p->lock);
	pipe_count_end(p, file->flags, 1);

	mutex_lock(&p->lock);
	if (mode == O_RDONLY && file->flags & O_NONBLOCK)
		file->position = p->writers ? 0 : p->writer_opens;
	else if (named && mode != O_RDWR && !met)
		while (*opens == seen && !error)
			error = mutex_wait(&p->lock, &p->opened, WAIT_FOREVER);
	mutex_unlock(&p->lock);
	if (error) {
		pipe_release(file);
		return -ERESTARTSYS;
	}
	file->ops = &pipe_ops;
	return 0;
}

static const struct file_ops fifo_ops = {.open = fifo_open};

DEVICES(10, fifos) = {{.rdev = DEVICE_FIFO, .ops = &fifo_ops}};
