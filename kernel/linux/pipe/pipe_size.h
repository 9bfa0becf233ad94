/* SPDX-License-Identifier: MIT
 *
 * The size of a pipe.
 */
#pragma once

#include "kernel/fs/vfs.h"

/* Set the size of a pipe in bytes, rounded up to a power of two of pages.  Returns the new size, or
 * -EBADF (`f` is no pipe), -EINVAL, -EPERM, -ENOMEM, or -EBUSY (the pipe contains more bytes).
 * Sleeps. */
long pipe_set_size(struct file *f, u64 size);
