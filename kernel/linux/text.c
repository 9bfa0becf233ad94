/* SPDX-License-Identifier: MIT
 *
 * A buffer that grows, for files whose text the kernel generates.
 */
#include "kernel/linux/text.h"

#include "kernel/lib/errno.h"
#include "kernel/lib/format.h"
#include "kernel/lib/string.h"
#include "kernel/mem/slab.h"
#include "kernel/vm/usercopy.h"

#define WRITE_MAX    PAGE_SIZE
#define REPORT_SIZE  (32 * 1024)
#define LINE_MOST    120 /* few lines are longer */
#define DECIMAL_MOST 20	 /* digits of 2^64 */

/* Make `data` larger, for `more` bytes and a NUL.  False: no memory. */
static bool text_grow(struct text *t, size_t more)
{
	size_t capacity = MAX(t->capacity * 4, ALIGN_UP(t->length + more + 1, (size_t)1024));
	char *data = t->failed ? NULL : kmalloc(capacity);

	if (!data) {
		t->failed = true;
		return false;
	}
	if (t->data)
		memcpy(data, t->data, t->length);
	kfree(t->data);
	t->data = data;
	t->capacity = capacity;
	return true;
}

static inline bool text_reserve(struct text *t, size_t more)
{
	return (!t->failed && t->length + more < t->capacity) || text_grow(t, more);
}

void text_write(struct text *t, const char *data, size_t length)
{
	if (!text_reserve(t, length))
		return;
	memcpy(t->data + t->length, data, length);
	t->length += length;
}

void text_escape(struct text *t, const char *s, const char *special)
{
	const char *from = s;

	for (; *s; s++)
		if (strchr(special, *s)) {
			text_write(t, from, (size_t)(s - from));
			text_printf(t, "\\%03o", (u8)*s);
			from = s + 1;
		}
	text_write(t, from, (size_t)(s - from));
}

/* Write the digits at `at`, two at a time, and return their end. */
static char *put_decimal(char *at, u64 v)
{
	static const char pairs[] = "00010203040506070809101112131415161718192021222324"
				    "25262728293031323334353637383940414243444546474849"
				    "50515253545556575859606162636465666768697071727374"
				    "75767778798081828384858687888990919293949596979899";
	u32 digits = 1;
	char *end;

	for (u64 limit = 10; digits < DECIMAL_MOST && v >= limit; limit *= 10)
		digits++;
	end = at + digits;
	for (at = end; v >= 10; v /= 100) {
		*--at = pairs[v % 100 * 2 + 1];
		*--at = pairs[v % 100 * 2];
	}
	if (digits % 2)
		*--at = (char)('0' + v);
	return end;
}

void text_decimal(struct text *t, u64 v, char after)
{
	char *end;

	if (!text_reserve(t, DECIMAL_MOST + 1))
		return;
	end = put_decimal(t->data + t->length, v);
	*end++ = after;
	t->length = (size_t)(end - t->data);
}

void text_hex(struct text *t, u64 v, u32 width, char after)
{
	u32 digits = MAX(width, (67 - (u32)__builtin_clzl(v | 1)) / 4);
	char *at;

	if (!text_reserve(t, digits + 1))
		return;
	at = t->data + t->length;
	t->length += digits + 1;
	at[digits] = after;
	for (; digits; v >>= 4)
		at[--digits] = "0123456789abcdef"[v & 15];
}

void text_fields(struct text *t, const s64 *fields, size_t count)
{
	char *end;

	if (!text_reserve(t, count * (DECIMAL_MOST + 2)))
		return;
	end = t->data + t->length;
	for (size_t i = 0; i < count; i++) {
		s64 v = fields[i];

		if (v < 0)
			*end++ = '-';
		end = put_decimal(end, v < 0 ? -(u64)v : (u64)v);
		*end++ = ' ';
	}
	t->length = (size_t)(end - t->data);
}

void text_printf(struct text *t, const char *fmt, ...)
{
	size_t room;
	va_list args;
	int n;

	if (!text_reserve(t, LINE_MOST))
		return;
	do { /* again if there was too little room */
		room = t->data ? t->capacity - t->length : 0;
		va_start(args, fmt);
		n = vsnprintf(room ? t->data + t->length : NULL, room, fmt, args);
		va_end(args);
		if (n <= 0 || !text_reserve(t, (size_t)n))
			return;
	} while ((size_t)n >= room);
	t->length += (size_t)n;
}

void text_report(struct text *t, size_t (*report)(char *buf, size_t size))
{
	char *buf = kmalloc(REPORT_SIZE);

	if (!buf) {
		t->failed = true;
		return;
	}
	text_write(t, buf, report(buf, REPORT_SIZE));
	kfree(buf);
}

ssize_t text_take(struct io_buffer *io, char **text)
{
	size_t length = io->remaining;
	ssize_t n;

	if (length > WRITE_MAX)
		return -EINVAL;
	*text = kmalloc(length + 1);
	if (!*text)
		return -ENOMEM;
	n = io_get(io, *text, length);
	if (n < 0 || (size_t)n < length) {
		kfree(*text);
		return -EFAULT;
	}
	if (n && (*text)[n - 1] == '\n')
		n--;
	(*text)[n] = '\0';
	return n;
}
