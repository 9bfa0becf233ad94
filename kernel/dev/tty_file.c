/* SPDX-License-Identifier: MIT
 *
 * Open files of terminals.
 */
#include "kernel/dev/tty_file.h"

#include "kernel/fs/rights.h"
#include "kernel/lib/errno.h"

int tty_file_open(struct file *file, struct tty *tty, bool may_control)
{
	int error;

	if (READ_ONCE(tty->exclusive) && !capable(CAP_SYS_ADMIN))
		return -EBUSY;
	error = tty->ops->open ? tty->ops->open(tty, file->inode) : 0;
	if (error)
		return error;
	file->private = tty;
	if (may_control && !(file->flags & O_NOCTTY))
		tty_open(tty);
	return 0;
}

void tty_file_release(struct file *file)
{
	struct tty *tty = file->private;

	if (tty->ops->close)
		tty->ops->close(tty);
}

ssize_t tty_file_read(struct file *file, struct io_buffer *io, u64 *position)
{
	return tty_read(file->private, io, file->flags & O_NONBLOCK);
}

ssize_t tty_file_write(struct file *file, struct io_buffer *io, u64 *position)
{
	return tty_write(file->private, io, file->flags & O_NONBLOCK);
}

long tty_file_ioctl(struct file *file, u32 request, u64 argument)
{
	struct tty *tty = file->private;

	return READ_ONCE(tty->hung_up) ? -EIO : tty_ioctl(tty, request, argument);
}

u32 tty_file_poll(struct file *file, struct poll_table *table)
{
	struct tty *tty = file->private;

	poll_queue_wait_for(table, &tty->readable, POLL_READ_BITS);
	poll_queue_wait_for(table, &tty->writable, POLL_WRITE_BITS);
	return tty_poll_bits(tty);
}
