/* SPDX-License-Identifier: MIT
 *
 * Descriptor tables.  Memory is taken, and files are closed, outside the lock.
 */
#include "kernel/fs/file_table.h"

#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/mem/slab.h"

#define SIZE_AT_START 64 /* slots; sizes are multiples of it: a word of the bitmap */

struct file_table *(*vfs_current_files)(void);
u64 (*vfs_current_file_limit)(void);

static struct lock_class table_class = {"file table", 0};

static struct file_table *current_table(void)
{
	return vfs_current_files ? vfs_current_files() : NULL;
}

static u32 current_limit(void)
{
	u64 limit = vfs_current_file_limit ? vfs_current_file_limit() : FD_TABLE_MAX;

	return (u32)MIN(limit, (u64)FD_TABLE_MAX);
}

static void mark(struct file_table *t, u32 fd, bool close_on_exec)
{
	if (close_on_exec)
		t->close_on_exec[fd / 64] |= 1UL << (fd % 64);
	else
		t->close_on_exec[fd / 64] &= ~(1UL << (fd % 64));
}

/* At least `size` slots.  0 or -ENOMEM. */
static int table_grow(struct file_table *t, u32 size)
{
	struct file **files, **old_files = NULL;
	u64 *bits, *old_bits = NULL;

	size = MAX(ALIGN_UP(size, SIZE_AT_START), MIN(READ_ONCE(t->size) * 2, (u32)FD_TABLE_MAX));
	files = kzalloc(size * sizeof(*files));
	bits = kzalloc(size / 8);
	if (!files || !bits) {
		kfree(files);
		kfree(bits);
		return -ENOMEM;
	}
	spin_lock(&t->lock);
	if (t->size < size) {
		memcpy(files, t->files, t->size * sizeof(*files));
		memcpy(bits, t->close_on_exec, t->size / 8);
		old_files = t->files;
		old_bits = t->close_on_exec;
		t->files = files;
		t->close_on_exec = bits;
		t->size = size;
	} else { /* somebody else was quicker */
		old_files = files;
		old_bits = bits;
	}
	spin_unlock(&t->lock);
	kfree(old_files);
	kfree(old_bits);
	return 0;
}

struct file_table *file_table_create(void)
{
	struct file_table *t = kzalloc(sizeof(*t));

	if (!t)
		return ERR_PTR(-ENOMEM);
	refcount_init(&t->refs, 1);
	spinlock_init(&t->lock, &table_class);
	if (table_grow(t, SIZE_AT_START)) {
		kfree(t);
		return ERR_PTR(-ENOMEM);
	}
	return t;
}

void file_table_get(struct file_table *t)
{
	refcount_get(&t->refs);
}

void file_table_put(struct file_table *t)
{
	if (!refcount_put(&t->refs))
		return;
	for (u32 fd = 0; fd < t->size; fd++)
		if (t->files[fd])
			file_put(t->files[fd]);
	kfree(t->files);
	kfree(t->close_on_exec);
	kfree(t);
}

struct file_table *file_table_copy(struct file_table *t)
{
	struct file_table *copy = file_table_create();

	if (IS_ERR(copy))
		return copy;
	spin_lock(&t->lock);
	while (copy->size < t->size) {
		u32 size = t->size;

		spin_unlock(&t->lock);
		if (table_grow(copy, size)) {
			file_table_put(copy);
			return ERR_PTR(-ENOMEM);
		}
		spin_lock(&t->lock);
	}
	for (u32 fd = 0; fd < t->size; fd++) {
		copy->files[fd] = t->files[fd];
		if (copy->files[fd])
			file_get(copy->files[fd]);
	}
	memcpy(copy->close_on_exec, t->close_on_exec, t->size / 8);
	spin_unlock(&t->lock);
	return copy;
}

int fd_install(struct file *f, u32 from, bool close_on_exec)
{
	struct file_table *t = current_table();
	u32 limit = current_limit(), fd;
	int error;

	if (!t)
		return -EMFILE;
	if (from && from >= limit)
		return -EINVAL;
	for (;;) {
		spin_lock(&t->lock);
		for (fd = from; fd < t->size && t->files[fd];)
			fd++;
		if (fd < limit && fd < t->size) {
			t->files[fd] = f;
			mark(t, fd, close_on_exec);
			spin_unlock(&t->lock);
			return (int)fd;
		}
		spin_unlock(&t->lock);
		if (fd >= limit)
			return -EMFILE;
		error = table_grow(t, fd + 1);
		if (error)
			return error;
	}
}

int fd_install_at(struct file *f, u32 fd, bool close_on_exec)
{
	struct file_table *t = current_table();
	struct file *old;
	int error;

	if (!t || fd >= current_limit())
		return -EBADF;
	if (fd >= READ_ONCE(t->size)) { /* never shrinks */
		error = table_grow(t, fd + 1);
		if (error)
			return error;
	}
	spin_lock(&t->lock);
	old = t->files[fd];
	t->files[fd] = f;
	mark(t, fd, close_on_exec);
	spin_unlock(&t->lock);
	if (old)
		file_put(old);
	return (int)fd;
}

struct file *fd_get_from(struct file_table *t, u32 fd)
{
	struct file *f;

	spin_lock(&t->lock);
	f = fd < t->size ? t->files[fd] : NULL;
	if (f)
		file_get(f);
	spin_unlock(&t->lock);
	return f;
}

struct file *fd_get(u32 fd)
{
	struct file_table *t = current_table();

	return t ? fd_get_from(t, fd) : NULL;
}

/* Empty the slot; the table's reference goes to the caller. */
static struct file *slot_take(struct file_table *t, u32 fd)
{
	struct file *f;

	spin_lock(&t->lock);
	f = fd < t->size ? t->files[fd] : NULL;
	if (f) {
		t->files[fd] = NULL;
		mark(t, fd, false);
	}
	spin_unlock(&t->lock);
	return f;
}

int fd_close(u32 fd)
{
	struct file_table *t = current_table();
	struct file *f = t ? slot_take(t, fd) : NULL;

	if (!f)
		return -EBADF;
	file_put(f);
	return 0;
}

int fd_close_range(u32 first, u32 last, bool only_mark)
{
	struct file_table *t = current_table();

	if (first > last)
		return -EINVAL;
	for (u32 fd = first; t && fd <= last && fd < READ_ONCE(t->size); fd++) {
		if (only_mark)
			fd_set_flags(fd, true);
		else
			fd_close(fd);
	}
	return 0;
}

int fd_flags(u32 fd)
{
	struct file_table *t = current_table();
	int result = -EBADF;

	if (!t)
		return result;
	spin_lock(&t->lock);
	if (fd < t->size && t->files[fd])
		result = t->close_on_exec[fd / 64] >> (fd % 64) & 1;
	spin_unlock(&t->lock);
	return result;
}

int fd_set_flags(u32 fd, bool close_on_exec)
{
	struct file_table *t = current_table();
	int result = -EBADF;

	if (!t)
		return result;
	spin_lock(&t->lock);
	if (fd < t->size && t->files[fd]) {
		mark(t, fd, close_on_exec);
		result = 0;
	}
	spin_unlock(&t->lock);
	return result;
}

void file_table_close_on_exec(struct file_table *t)
{
	for (u32 fd = 0; fd < READ_ONCE(t->size); fd++) {
		struct file *f = NULL;

		spin_lock(&t->lock);
		if (t->close_on_exec[fd / 64] >> (fd % 64) & 1) {
			f = t->files[fd];
			t->files[fd] = NULL;
			mark(t, fd, false);
		}
		spin_unlock(&t->lock);
		if (f)
			file_put(f);
	}
}

int file_table_next(struct file_table *t, u32 fd)
{
	int result = -1;

	spin_lock(&t->lock);
	for (; fd < t->size && result < 0; fd++)
		if (t->files[fd])
			result = (int)fd;
	spin_unlock(&t->lock);
	return result;
}
