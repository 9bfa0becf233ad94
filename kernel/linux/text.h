/* SPDX-License-Identifier: MIT
 *
 * A buffer that grows, for files whose text the kernel generates.
 */
#pragma once

#include "kernel/lib/base.h"

struct io_buffer;

struct text {
	char *data;
	size_t length, capacity;
	bool failed; /* out of memory: later text is dropped */
};

/* Append formatted text, or `length` bytes.  Both sleep. */
void text_printf(struct text *t, const char *fmt, ...) __printf(2, 3);
void text_write(struct text *t, const char *data, size_t length);

/* Append a string in which a backslash and three octal digits stand for each character of
 * `special`: then a name with a space or a newline breaks neither columns nor lines.  Sleeps. */
void text_escape(struct text *t, const char *s, const char *special);

/* Append a number and then the character `after`: in decimal, or in hexadecimal with at least
 * `width` digits.  They need a fifth of the time of text_printf(), for files that are read often.
 * Sleep. */
void text_decimal(struct text *t, u64 v, char after);
void text_hex(struct text *t, u64 v, u32 width, char after);

/* Append numbers in decimal, each with a space behind it.  Sleeps. */
void text_fields(struct text *t, const s64 *fields, size_t count);

/* Append the text that `report` writes into a buffer of at most 32 KiB; `report` returns its
 * length. Sleeps. */
void text_report(struct text *t, size_t (*report)(char *buf, size_t size));

/* Copy the bytes of a write() call, at most a page, into a new string without the newline at its
 * end; the caller frees *text.  Returns its length, -EINVAL, -ENOMEM or -EFAULT.  Sleeps. */
ssize_t text_take(struct io_buffer *io, char **text);
