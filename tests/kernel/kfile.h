/* SPDX-License-Identifier: MIT
 *
 * Reading and writing open files with kernel buffers, for the self-tests.
 */
#pragma once

#include "kernel/fs/vfs.h"

static inline ssize_t put(struct file *f, const void *buf, size_t n)
{
	struct io_buffer io;

	io_init_kernel(&io, (void *)buf, n);
	return file_transfer(f, &io, true, NULL);
}

static inline ssize_t get(struct file *f, void *buf, size_t n)
{
	struct io_buffer io;

	io_init_kernel(&io, buf, n);
	return file_transfer(f, &io, false, NULL);
}
