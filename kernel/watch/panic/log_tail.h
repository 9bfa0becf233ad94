/* SPDX-License-Identifier: MIT
 *
 * The end of the log as one text, for the screen of a panic.
 */
#pragma once

#include "kernel/lib/base.h"

/* Copy the last `size` bytes of the ring, oldest first.  Returns the number of bytes copied. */
size_t log_read(char *buf, size_t size);

/* Returns the number of bytes of text in the ring, at most LOG_SIZE. */
size_t log_length(void);
