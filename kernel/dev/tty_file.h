/* SPDX-License-Identifier: MIT
 *
 * Open files of terminals.  file->private is the terminal.
 */
#pragma once

#include "kernel/dev/tty.h"
#include "kernel/fs/vfs.h"

/* Make `tty` the terminal of a file that is being opened, unless its ops->open() refuses.  Without
 * O_NOCTTY it becomes the controlling terminal if `may_control`, see tty_open(). */
int tty_file_open(struct file *file, struct tty *tty, bool may_control);

/* The other operations of such a file; TTY_FILE_OPS(open) is the whole table. */
void tty_file_release(struct file *file);
ssize_t tty_file_read(struct file *file, struct io_buffer *io, u64 *position);
ssize_t tty_file_write(struct file *file, struct io_buffer *io, u64 *position);
long tty_file_ioctl(struct file *file, u32 request, u64 argument);
u32 tty_file_poll(struct file *file, struct poll_table *table);

#define TTY_FILE_OPS(open_fn)                                                                      \
	{                                                                                          \
		.open = (open_fn), .release = tty_file_release, .read = tty_file_read,             \
		.write = tty_file_write, .stream = true, .ioctl = tty_file_ioctl,                  \
		.poll = tty_file_poll,                                                             \
	}
