/* SPDX-License-Identifier: MIT
 *
 * Pipes and FIFOs (POSIX pipe(), pipe(7)): writes of at most PIPE_BUF bytes are whole.
 */
#pragma once

#include "kernel/fs/vfs.h"

#define PIPE_BUF	  4096
#define PIPE_SIZE_DEFAULT 65536
#define PIPE_SIZE_MAX	  1048576

void pipe_init(void); /* registers the FIFO operations */

/* Both ends, each with one reference.  flags: O_NONBLOCK.  0 or -ENOMEM. */
int pipe_create(u32 flags, struct file **reader, struct file **writer);

/* fcntl(F_GETPIPE_SZ, F_SETPIPE_SZ): bytes; -EBADF where `f` is no pipe. */
long pipe_size(struct file *f);
long pipe_set_size(struct file *f, u64 size);
