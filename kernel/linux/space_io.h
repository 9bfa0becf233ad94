/* SPDX-License-Identifier: MIT
 *
 * Moving bytes between the caller and the memory of another process.
 */
#pragma once

#include "kernel/vm/usercopy.h"

struct address_space;

/* Copy from the space to `io`, or with `write` the other way, at most `n` bytes, by way of a page
 * of the kernel.  Returns the number of bytes, or -EFAULT if none could be copied, -ENOMEM, -EINTR.
 * Sleeps. */
ssize_t space_transfer(struct address_space *as, u64 address, struct io_buffer *io, size_t n,
		       bool write, bool force);
