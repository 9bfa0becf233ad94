/* SPDX-License-Identifier: MIT
 *
 * Pipes (POSIX pipe(), pipe(7)): writes of at most PIPE_BUF bytes are whole.
 */
#pragma once

#include "kernel/fs/vfs.h"

#define PIPE_BUF	  4096
#define PIPE_SIZE_DEFAULT 65536

/* Both ends, each with one reference.  flags: O_NONBLOCK.  0 or -ENOMEM. */
int pipe_create(u32 flags, struct file **reader, struct file **writer);
