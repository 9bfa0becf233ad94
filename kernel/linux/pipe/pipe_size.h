/* SPDX-License-Identifier: MIT
 *
 * The size of a pipe.
 */
#pragma once

#include "kernel/fs/vfs.h"

/* Change how many bytes the pipe holds, rounded up to a power of two of pages.  The new size in
 * bytes; -EBADF: `f` is no pipe; -EINVAL, -EPERM, -ENOMEM; -EBUSY: more bytes are in the pipe. */
long pipe_set_size(struct file *f, u64 size);
