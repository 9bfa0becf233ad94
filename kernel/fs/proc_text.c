/* SPDX-License-Identifier: MIT
 *
 * /proc's text: a buffer that grows, and open files that are read from one.
 */
#include "kernel/fs/proc_entry.h"

#include "kernel/lib/errno.h"
#include "kernel/lib/format.h"
#include "kernel/lib/string.h"
#include "kernel/mem/slab.h"

#define WRITE_MAX PAGE_SIZE

static struct lock_class text_class = {"proc text", 0};

/* --- Text ------------------------------------------------------------------------------------- */

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
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (n <= 0 || !text_reserve(t, (size_t)n))
		return;
	va_start(args, fmt);
	vsnprintf(t->data + t->length, (size_t)n + 1, fmt, args);
	va_end(args);
	t->length += (size_t)n;
}

/* --- Files ------------------------------------------------------------------------------------ */

/* An open file's text: made when it is opened, and again when it is read from its beginning. */
struct proc_text {
	struct mutex lock; /* guards all below */
	struct text text;
	bool was_read;
};

static int text_open(struct file *file)
{
	struct proc_text *p = kzalloc(sizeof(*p));
	int error = 0;

	if (!p)
		return -ENOMEM;
	mutex_init(&p->lock, &text_class);
	if ((file->flags & O_ACCMODE) != O_WRONLY)
		error = proc_entry_make(file->inode->private, &p->text);
	if (error) {
		kfree(p->text.data);
		kfree(p);
		return error;
	}
	file->private = p;
	return 0;
}

static void text_release(struct file *file)
{
	struct proc_text *p = file->private;

	kfree(p->text.data);
	kfree(p);
}

static int text_remake(struct proc_text *p, const struct proc_entry *e)
{
	struct text t = {0};
	int error = proc_entry_make(e, &t);

	if (error) {
		kfree(t.data);
		return error;
	}
	kfree(p->text.data);
	p->text = t;
	return 0;
}

static ssize_t text_read(struct file *file, struct io_buffer *io, u64 *position)
{
	struct proc_text *p = file->private;
	ssize_t n = 0;

	mutex_lock(&p->lock);
	if (*position == 0 && p->was_read)
		n = text_remake(p, file->inode->private);
	p->was_read = true;
	if (!n && *position < p->text.length) {
		n = io_put(io, p->text.data + *position, p->text.length - *position);
		if (n > 0)
			*position += (u64)n;
	}
	mutex_unlock(&p->lock);
	return n;
}

/* What is written at once is one value; the newline of echo(1) is no part of it. */
static ssize_t text_take(struct file *file, struct io_buffer *io, u64 *position)
{
	size_t length = io->remaining;
	ssize_t n;
	char *text;

	if (length > WRITE_MAX)
		return -EINVAL;
	text = kmalloc(length + 1);
	if (!text)
		return -ENOMEM;
	n = io_get(io, text, length);
	if (n >= 0 && (size_t)n < length)
		n = -EFAULT;
	if (n >= 0) {
		if (n && text[n - 1] == '\n')
			n--;
		text[n] = '\0';
		n = proc_entry_write(file->inode->private, text, (size_t)n);
	}
	kfree(text);
	if (n)
		return n;
	*position += length;
	return (ssize_t)length;
}

const struct file_ops proc_text_ops = {
    .open = text_open,
    .release = text_release,
    .read = text_read,
    .write = text_take,
};
