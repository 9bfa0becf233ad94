/* SPDX-License-Identifier: MIT
 *
 * Descriptor tables.  The lock is a spinlock, so it is not held while memory is allocated or a file
 * is closed.
 */
#include "kernel/fs/file_table.h"

#include "kernel/fs/file_events.h"
#include "kernel/lib/abi.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/mem/slab.h"
#include "kernel/task/process.h"

#define SIZE_AT_START 32

static struct lock_class table_class = {"file table", 0};

static u32 descriptor_limit(void)
{
	return (u32)MIN(current_limit(RLIMIT_NOFILE), (u64)FD_TABLE_MAX);
}

/* Make the table at least `size` slots long.  Returns 0 or -ENOMEM.  Sleeps. */
static int table_grow(struct file_table *t, u32 size)
{
	struct fd_slot *slots, *unused;

	size = MAX(size, MIN(READ_ONCE(t->size) * 2, (u32)FD_TABLE_MAX));
	slots = unused = kzalloc(size * sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	spin_lock(&t->lock);
	if (t->size < size) { /* else another thread was faster */
		if (t->size)
			memcpy(slots, t->slots, t->size * sizeof(*slots));
		unused = t->slots;
		t->slots = slots;
		WRITE_ONCE(t->size, size);
	}
	spin_unlock(&t->lock);
	kfree(unused);
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

/* Drop the reference of a slot of `t` that has been emptied.  Sleeps. */
static void slot_file_put(struct file_table *t, struct file *f)
{
	file_event(close, t, f);
	file_put(f);
}

void file_table_put(struct file_table *t)
{
	if (!refcount_put(&t->refs))
		return;
	for (u32 fd = 0; fd < t->size; fd++)
		if (t->slots[fd].file)
			slot_file_put(t, t->slots[fd].file);
	kfree(t->slots);
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
		copy->slots[fd] = t->slots[fd];
		if (copy->slots[fd].file)
			file_get(copy->slots[fd].file);
	}
	spin_unlock(&t->lock);
	return copy;
}

int fd_install(struct file *f, u32 from, bool close_on_exec)
{
	struct file_table *t = current_process()->files;
	u32 limit = descriptor_limit(), fd;
	int error = from && from >= limit ? -EINVAL : 0;

	while (!error) {
		spin_lock(&t->lock);
		for (fd = MAX(from, t->first_free); fd < t->size && t->slots[fd].file;)
			fd++;
		if (fd < limit && fd < t->size) {
			t->slots[fd] = (struct fd_slot){f, close_on_exec};
			if (from <= t->first_free)
				t->first_free = fd + 1;
			spin_unlock(&t->lock);
			return (int)fd;
		}
		spin_unlock(&t->lock);
		error = fd < limit ? table_grow(t, fd + 1) : -EMFILE;
	}
	file_put(f);
	return error;
}

/* Change a slot, and close the file that was in it.  Returns `fd`, or -EBADF if the slot was free
 * and `only_if_open` is set.  Sleeps. */
static int slot_set(struct file_table *t, u32 fd, struct fd_slot slot, bool only_if_open)
{
	struct file *old = NULL;

	spin_lock(&t->lock);
	if (fd < t->size)
		old = t->slots[fd].file;
	if (old || !only_if_open)
		t->slots[fd] = slot;
	if (!slot.file)
		t->first_free = MIN(t->first_free, fd);
	spin_unlock(&t->lock);
	if (old)
		slot_file_put(t, old);
	return old || !only_if_open ? (int)fd : -EBADF;
}

int fd_install_at(struct file *f, u32 fd, bool close_on_exec)
{
	struct file_table *t = current_process()->files;
	int error = fd < descriptor_limit() ? 0 : -EBADF;

	if (!error && fd >= READ_ONCE(t->size)) /* the table never shrinks */
		error = table_grow(t, fd + 1);
	if (!error)
		return slot_set(t, fd, (struct fd_slot){f, close_on_exec}, false);
	file_put(f);
	return error;
}

int fd_close(u32 fd)
{
	return MIN(slot_set(current_process()->files, fd, (struct fd_slot){0}, true), 0);
}

/* The file in a slot, unless it has one of the flags `refused`. */
static struct file *slot_file(struct file_table *t, u32 fd, u32 refused)
{
	struct file *f = fd < t->size ? t->slots[fd].file : NULL;

	return f && f->flags & refused ? NULL : f;
}

struct file *fd_get_from(struct file_table *t, u32 fd, u32 refused)
{
	struct file *f;

	spin_lock(&t->lock);
	f = slot_file(t, fd, refused);
	if (f)
		file_get(f);
	spin_unlock(&t->lock);
	return f;
}

struct fd_use fd_use(u32 fd, u32 refused)
{
	struct process *p = current_process();

	if (p->thread_count > 1 || refcount_read(&p->files->refs) > 1)
		return (struct fd_use){fd_get_from(p->files, fd, refused), true};
	return (struct fd_use){slot_file(p->files, fd, refused), false};
}

int fd_flags(u32 fd, const bool *close_on_exec)
{
	struct file_table *t = current_process()->files;
	int result = -EBADF;

	spin_lock(&t->lock);
	if (fd < t->size && t->slots[fd].file) {
		result = close_on_exec ? 0 : t->slots[fd].close_on_exec;
		if (close_on_exec)
			t->slots[fd].close_on_exec = *close_on_exec;
	}
	spin_unlock(&t->lock);
	return result;
}

/* exec() calls this in the only thread of the process, so no other thread changes the table. */
void file_table_close_on_exec(struct file_table *t)
{
	for (u32 fd = 0; fd < t->size; fd++)
		if (t->slots[fd].file && t->slots[fd].close_on_exec)
			slot_set(t, fd, (struct fd_slot){0}, true);
}
