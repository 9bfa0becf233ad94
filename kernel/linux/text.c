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

#define WRITE_MAX   PAGE_SIZE
#define REPORT_SIZE (32 * 1024)

static bool text_reserve(struct text *t, size_t more)
{
	size_t capacity = MAX(t->capacity * 2, ALIGN_UP(t->length + more + 1, (size_t)256));
	char *data;

	if (t->failed || t->length + more < t->capacity)
		return !t->failed;
	data = kmalloc(capacity);
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

void text_write(struct text *t, const char *data, size_t length)
{
	if (!text_reserve(t, length))
		return;
	memcpy(t->data + t->length, data, length);
	t->length += length;
}

void text_printf(struct text *t, const char *fmt, ...)
{
	size_t room;
	va_list args;
	int n;

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
