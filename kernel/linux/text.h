/* SPDX-License-Identifier: MIT
 *
 * Text that the kernel makes for a file: a buffer that grows.
 */
#pragma once

#include "kernel/lib/base.h"

struct io_buffer;

struct text {
	char *data;
	size_t length, capacity;
	bool failed; /* no memory: what is added from now on is dropped */
};

/* Both sleep. */
void text_printf(struct text *t, const char *fmt, ...) __printf(2, 3);
void text_write(struct text *t, const char *data, size_t length);

/* Add what `report` writes into a buffer (at most 32 KiB); it returns the length.  Sleeps. */
void text_report(struct text *t, size_t (*report)(char *buf, size_t size));

/* What a program writes, at most a page: a value without the newline of echo(1), terminated; the
 * caller frees it.  Its length, -EINVAL, -ENOMEM or -EFAULT.  Sleeps. */
ssize_t text_take(struct io_buffer *io, char **text);
