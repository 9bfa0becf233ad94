/* SPDX-License-Identifier: MIT
 *
 * Descriptor tables.  The lock is a spinlock, so it is not held while memory is allocated or a file
 * is closed.  A table of thousands consists of chunks, so that it grows without copying them and a
 * free descriptor is found by a look at one word a chunk.
 */
#include "kernel/fs/file_table.h"

#include "kernel/fs/file_events.h"
#include "kernel/lib/abi.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/mem/slab.h"
#include "kernel/task/process.h"

#define COPIED_AT_ONCE 512 /* descriptors that fork() copies while it holds the lock */

static struct lock_class table_class = {"file table", 0};

static u32 descriptor_limit(void)
{
	return (u32)MIN(current_limit(RLIMIT_NOFILE), (u64)FD_TABLE_MAX);
}

/* Make the table at least `size` descriptors long, a chunk at a time.  Returns 0 or -ENOMEM.
 * Sleeps. */
static int table_grow(struct file_table *t, u32 size)
{
	for (u32 n; (n = READ_ONCE(t->size) / FDS_EACH) * FDS_EACH < size;) {
		bool full = !(n & (n - 1)); /* 0 or a power of two */
		struct file **files = kzalloc(FDS_EACH * sizeof(*files));
		struct fd_chunk *more = full ? kmalloc(MAX(2 * n, 1U) * sizeof(*more)) : NULL;
		bool failed = !files || (full && !more);

		spin_lock(&t->lock);
		if (!failed && t->size == n * FDS_EACH) { /* else another thread was faster */
			if (full) {
				memcpy(more, t->chunks, n * sizeof(*more));
				SWAP(more, t->chunks);
			}
			t->chunks[n] = (struct fd_chunk){.file = files};
			WRITE_ONCE(t->size, (n + 1) * FDS_EACH);
			files = NULL;
		}
		spin_unlock(&t->lock);
		kfree(files);
		kfree(more);
		if (failed)
			return -ENOMEM;
	}
	return 0;
}

struct file_table *file_table_create(void)
{
	struct file_table *t = kzalloc(sizeof(*t));

	if (!t)
		return ERR_PTR(-ENOMEM);
	refcount_init(&t->refs, 1);
	spinlock_init(&t->lock, &table_class);
	if (table_grow(t, FDS_EACH)) {
		kfree(t);
		return ERR_PTR(-ENOMEM);
	}
	return t;
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
	for (u32 fd = 0; (fd = fd_scan(t, fd, 0)) < t->size; fd++)
		slot_file_put(t, t->chunks[fd / FDS_EACH].file[fd % FDS_EACH]);
	for (u32 i = 0; i < t->size / FDS_EACH; i++)
		kfree(t->chunks[i].file);
	kfree(t->chunks);
	kfree(t);
}

/* The size that a table needs which is to have all open descriptors. */
static u32 size_in_use(const struct file_table *t)
{
	u32 n = t->size / FDS_EACH;

	while (n && !t->chunks[n - 1].open)
		n--;
	return n * FDS_EACH;
}

static void chunk_copy(struct fd_chunk *to, const struct fd_chunk *from)
{
	to->open = from->open;
	to->close_on_exec = from->close_on_exec;
	for (u64 left = to->open; left; left &= left - 1) {
		u32 i = (u32)__builtin_ctzl(left);

		to->file[i] = from->file[i];
		file_get(to->file[i]);
	}
}

struct file_table *file_table_copy(struct file_table *t)
{
	struct file_table *copy = file_table_create();
	u32 at = 0, end;

	if (IS_ERR(copy))
		return copy;
	spin_lock(&t->lock);
	while (at < (end = size_in_use(t))) {
		end = MIN(end, at + COPIED_AT_ONCE);
		for (; end <= copy->size && at < end; at += FDS_EACH)
			chunk_copy(&copy->chunks[at / FDS_EACH], &t->chunks[at / FDS_EACH]);
		spin_unlock(&t->lock);
		if (table_grow(copy, end)) {
			file_table_put(copy);
			return ERR_PTR(-ENOMEM);
		}
		spin_lock(&t->lock);
	}
	spin_unlock(&t->lock);
	return copy;
}

u32 fd_scan(const struct file_table *t, u32 fd, u64 inverted)
{
	for (; fd < t->size; fd = ALIGN_UP(fd + 1, FDS_EACH)) {
		u64 bits = (t->chunks[fd / FDS_EACH].open ^ inverted) >> fd % FDS_EACH;

		if (bits)
			return fd + (u32)__builtin_ctzl(bits);
	}
	return fd;
}

/* Put `f` into a slot and return what was there, NULL if it was free.  Both may be NULL.  The
 * caller holds t->lock. */
static inline struct file *slot_set(struct file_table *t, u32 fd, struct file *f,
				    bool close_on_exec)
{
	struct fd_chunk *c = &t->chunks[fd / FDS_EACH];
	u32 i = fd % FDS_EACH;

	c->open = (c->open & ~(1UL << i)) | (u64)(f != NULL) << i;
	c->close_on_exec = (c->close_on_exec & ~(1UL << i)) | (u64)close_on_exec << i;
	SWAP(c->file[i], f);
	return f;
}

int fd_install(struct file *f, u32 from, bool close_on_exec)
{
	struct file_table *t = current_process()->files;
	u32 limit = descriptor_limit(), fd;
	int error;

	do {
		spin_lock(&t->lock);
		fd = fd_scan(t, MAX(from, t->first_free), ~0UL);
		if (fd < limit && fd < t->size) {
			slot_set(t, fd, f, close_on_exec);
			if (from <= t->first_free)
				t->first_free = fd + (f != NULL);
			spin_unlock(&t->lock);
			return (int)fd;
		}
		spin_unlock(&t->lock);
		error = fd < limit ? table_grow(t, fd + 1) : -EMFILE;
	} while (!error);
	if (f)
		file_put(f);
	return error;
}

/* The same with the lock, and close the file that was there.  False if there was none.  Sleeps. */
static bool slot_replace(struct file_table *t, u32 fd, struct file *f, bool close_on_exec)
{
	struct file *old;

	spin_lock(&t->lock);
	old = slot_set(t, fd, f, close_on_exec);
	if (!f)
		t->first_free = MIN(t->first_free, fd);
	spin_unlock(&t->lock);
	if (old)
		slot_file_put(t, old);
	return old;
}

int fd_install_at(struct file *f, u32 fd, bool close_on_exec)
{
	struct file_table *t = current_process()->files;
	int error = fd < descriptor_limit() ? table_grow(t, fd + 1) : -EBADF;

	if (error)
		file_put(f);
	else
		slot_replace(t, fd, f, close_on_exec);
	return error ?: (int)fd;
}

int fd_close(u32 fd)
{
	struct file_table *t = current_process()->files;

	return fd < READ_ONCE(t->size) && slot_replace(t, fd, NULL, false) ? 0 : -EBADF;
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

int fd_flags(u32 fd, const bool *close_on_exec)
{
	struct file_table *t = current_process()->files;
	u64 bit = 1UL << fd % FDS_EACH;
	int result = -EBADF;

	spin_lock(&t->lock);
	if (fd < t->size && t->chunks[fd / FDS_EACH].open & bit) {
		u64 *flags = &t->chunks[fd / FDS_EACH].close_on_exec;

		result = !close_on_exec && *flags & bit;
		if (close_on_exec)
			*flags = *close_on_exec ? *flags | bit : *flags & ~bit;
	}
	spin_unlock(&t->lock);
	return result;
}

/* exec() calls this in the only thread of the process, so no other thread changes the table. */
void file_table_close_on_exec(struct file_table *t)
{
	for (u32 i = 0; i < t->size / FDS_EACH; i++)
		while (t->chunks[i].close_on_exec)
			slot_replace(t,
				     i * FDS_EACH + (u32)__builtin_ctzl(t->chunks[i].close_on_exec),
				     NULL, false);
}
