/* SPDX-License-Identifier: MIT
 *
 * Pipes (POSIX pipe(), pipe(7)): the bytes of a write of at most PIPE_BUF bytes stay together.
 */
#pragma once

#include "kernel/fs/vfs.h"

#define PIPE_BUF	  4096
#define PIPE_SIZE_DEFAULT 65536

/* Make a pipe and return a file for each end, with one reference.  flags: O_NONBLOCK.  Returns 0 or
 * -ENOMEM.  Sleeps. */
int pipe_create(u32 flags, struct file **reader, struct file **writer);
