/* SPDX-License-Identifier: MIT
 *
 * Space of files: fallocate(2), and lseek(2) to data and holes.  As on Linux's tmpfs, files can be
 * given pages and holes can be punched; ranges cannot be moved.
 */
#include "kernel/fs/file_events.h"
#include "kernel/lib/string.h"
#include "kernel/linux/errno.h"
#include "kernel/linux/files/space.h"
#include "kernel/sys/calls.h"

#define SEEK_DATA	  3
#define SEEK_HOLE	  4

#define FALLOC_KEEP_SIZE  1
#define FALLOC_PUNCH_HOLE 2

/* The slot of the first page at or after *index, which is set to its place; NULL: there is none.
 * The caller holds o->lock. */
static struct page **next_page(struct vm_object *o, u64 *index)
{
	while (o->height && !(*index >> (NODE_BITS * o->height))) {
		void **slot = &o->pages;
		u32 level = o->height;

		for (; level && *slot; level--) {
			struct radix_node *node = *slot;

			slot = &node->slot[*index >> (NODE_BITS * (level - 1)) & (NODE_SLOTS - 1)];
		}
		if (*slot)
			return (struct page **)slot;
		/* Nothing in this subtree: go on with the next one. */
		*index = ((*index >> (NODE_BITS * level)) + 1) << (NODE_BITS * level);
	}
	return NULL;
}

/* --- Seeking ---------------------------------------------------------------------------------- */

static u64 find_data(struct vm_object *o, u64 offset, u64 size)
{
	u64 index = offset / PAGE_SIZE;

	if (!next_page(o, &index))
		return size;
	return MAX(index * PAGE_SIZE, offset);
}

static u64 find_hole(struct vm_object *o, u64 offset, u64 size)
{
	u64 index = offset / PAGE_SIZE, page = index;

	while (page * PAGE_SIZE < size && next_page(o, &index) && index == page)
		index = ++page;
	return MIN(MAX(page * PAGE_SIZE, offset), size);
}

/* A file that has no pages of memory is data up to its end. */
static s64 seek(const struct file *f, s64 offset, int whence)
{
	u64 size = READ_ONCE(f->inode->size), at = (u64)offset;
	struct vm_object *o = f->inode->object;

	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return -EINVAL;
	if (offset < 0 || at >= size)
		return -ENXIO;
	if (!o)
		return (s64)(whence == SEEK_DATA ? at : size);
	mutex_lock(&o->lock);
	at = whence == SEEK_DATA ? find_data(o, at, size) : find_hole(o, at, size);
	mutex_unlock(&o->lock);
	return whence == SEEK_DATA && at >= size ? -ENXIO : (s64)at;
}

FILE_EVENTS(seek_events) = {.seek = seek};

/* --- fallocate -------------------------------------------------------------------------------- */

/* Make [start, end) of the object zero.  A page without other users is freed; a mapped page
 * stays and is cleared.  Needs no memory. */
static void punch(struct vm_object *o, u64 start, u64 end)
{
	u64 index = start / PAGE_SIZE;
	struct page **slot;

	mutex_lock(&o->lock);
	for (; (slot = next_page(o, &index)) && index * PAGE_SIZE < end; index++) {
		u64 from = MAX(start, index * PAGE_SIZE), to = MIN(end, (index + 1) * PAGE_SIZE);
		struct page *page = *slot;

		/* While o->lock is held, no other reference can be taken. */
		if (to - from == PAGE_SIZE && __atomic_load_n(&page->refs, __ATOMIC_ACQUIRE) == 1) {
			*slot = NULL;
			o->page_count--;
			page_put(page);
		} else {
			memset((char *)page_to_virt(page) + from % PAGE_SIZE, 0, to - from);
		}
	}
	mutex_unlock(&o->lock);
}

/* Give the file pages for [start, end).  Whether they fit is tested first, so that a request that
 * is too large takes nothing. */
static int allocate(struct vm_object *o, u64 start, u64 end)
{
	u64 index = start / PAGE_SIZE, stop = DIV_ROUND_UP(end, PAGE_SIZE), holes = stop - index;
	struct page_stats stats;
	int error = 0;

	mutex_lock(&o->lock);
	for (u64 at = index; next_page(o, &at) && at < stop; at++)
		holes--;
	mutex_unlock(&o->lock);
	page_stats_read(&stats);
	if (holes > content_room(&stats))
		return -ENOSPC;
	for (; index < stop && !error; index++) {
		struct page *page;

		error = vm_object_page(o, index, true, &page);
		if (!error)
			page_put(page);
		if (thread_interrupted(WAIT_SIGNALS))
			error = -EINTR;
	}
	return error;
}

/* The caller holds the lock of the inode. */
static int fallocate_locked(struct inode *inode, u32 mode, u64 start, u64 end)
{
	int error = mode & FALLOC_PUNCH_HOLE
			? inode_may_change(inode, 0, true)
			: inode_may_change(inode, MAX(end, inode->size), false);

	if (error)
		return error;
	if (mode & FALLOC_PUNCH_HOLE)
		punch(inode->object, start, end);
	else if (end > current_limit(RLIMIT_FSIZE))
		error = (int)file_too_large();
	else
		error = allocate(inode->object, start, end);
	if (!error && !(mode & FALLOC_KEEP_SIZE) && end > inode->size) {
		error = vm_object_resize(inode->object, end);
		if (!error)
			WRITE_ONCE(inode->size, end);
	}
	if (!error)
		inode_touch(inode, false, true);
	return error;
}

static long allocate_file(struct file *f, u32 mode, s64 offset, s64 length)
{
	struct inode *inode = f->inode;
	s64 end;
	int error;

	if (offset < 0 || length <= 0)
		return -EINVAL;
	if (mode & ~(u32)(FALLOC_KEEP_SIZE | FALLOC_PUNCH_HOLE) || mode == FALLOC_PUNCH_HOLE)
		return -EOPNOTSUPP;
	if ((f->flags & O_ACCMODE) == O_RDONLY)
		return -EBADF;
	if (S_ISFIFO(inode->mode))
		return -ESPIPE;
	if (!S_ISREG(inode->mode))
		return -ENODEV;
	if (__builtin_add_overflow(offset, length, &end))
		return -EFBIG;
	if (!inode->object)
		return -EOPNOTSUPP;
	mutex_lock(&inode->lock);
	error = fallocate_locked(inode, mode, (u64)offset, (u64)end);
	mutex_unlock(&inode->lock);
	return error;
}

CALL(fallocate, WITH_FILE(a, allocate_file(file, (u32)b, (s64)c, (s64)d)))
