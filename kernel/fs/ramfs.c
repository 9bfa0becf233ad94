/* SPDX-License-Identifier: MIT
 *
 * Files in RAM: inodes of any type.  The content of a regular file is a memory object.
 */
#include "kernel/fs/internal.h"

#include "kernel/lib/abi.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/mem/page.h"
#include "kernel/mem/slab.h"
#include "kernel/task/process.h"

#define FILE_MAX ((u64)INT64_MAX)

static bool is_after(struct timespec a, struct timespec b)
{
	return a.seconds != b.seconds ? a.seconds > b.seconds : a.nanoseconds > b.nanoseconds;
}

/* Set the access time after a read, with the rule of the mount option "relatime": only if it is not
 * newer than mtime and ctime, or is older than a day (mount(8)). */
static void content_accessed(struct inode *inode)
{
	if (is_after(inode->atime, inode->mtime) && is_after(inode->atime, inode->ctime) &&
	    time_now().seconds - inode->atime.seconds < 24 * 60 * 60)
		return;
	mutex_lock(&inode->lock);
	inode_touch(inode, true, false);
	mutex_unlock(&inode->lock);
}

static ssize_t content_read(struct file *file, struct io_buffer *io, u64 *position)
{
	struct inode *inode = file->inode;
	ssize_t done = 0, n = 0;

	while (io->remaining) {
		u64 size = READ_ONCE(inode->size), offset = *position % PAGE_SIZE;
		struct page *page;
		size_t chunk;

		if (*position >= size)
			break;
		chunk = MIN(MIN(PAGE_SIZE - offset, size - *position), io->remaining);
		n = vm_object_page(inode->object, *position / PAGE_SIZE, false, &page);
		if (n)
			break;
		if (page) {
			n = io_put(io, (char *)page_to_virt(page) + offset, chunk);
			page_put(page);
		} else {
			n = io_put_zeros(io, chunk);
		}
		if (n <= 0)
			break;
		done += n;
		*position += (u64)n;
		if ((size_t)n < chunk)
			break;
	}
	content_accessed(inode);
	return done ? done : n;
}

/* Write at `position`.  Returns the number of bytes, or an error if none was written.  The caller
 * holds the lock of the inode. */
static ssize_t write_locked(struct inode *inode, struct io_buffer *io, u64 position)
{
	u64 limit = MIN(current_limit(RLIMIT_FSIZE), FILE_MAX);
	ssize_t done = 0, n = 0;

	while (io->remaining) {
		u64 offset = position % PAGE_SIZE;
		size_t chunk = MIN(PAGE_SIZE - offset, io->remaining);
		struct page *page;

		n = position >= limit ? -EFBIG : 0;
		if (!n)
			n = vm_object_page(inode->object, position / PAGE_SIZE, true, &page);
		if (n)
			break;
		chunk = MIN(chunk, limit - position);
		n = io_get(io, (char *)page_to_virt(page) + offset, chunk);
		page_put(page);
		if (n <= 0)
			break;
		done += n;
		position += (u64)n;
		if (position > inode->size) {
			ssize_t error = vm_object_resize(inode->object, position);

			if (error)
				return error;
			WRITE_ONCE(inode->size, position);
		}
		if ((size_t)n < chunk)
			break;
	}
	return done ? done : n;
}

static ssize_t content_write(struct file *file, struct io_buffer *io, u64 *position)
{
	struct inode *inode = file->inode;
	ssize_t n;

	mutex_lock(&inode->lock);
	if (file->flags & O_APPEND)
		*position = inode->size;
	inode_written(inode);
	n = inode_may_change(inode, *position + io->remaining, true);
	if (!n)
		n = write_locked(inode, io, *position);
	if (n > 0) {
		*position += (u64)n;
		inode_touch(inode, false, true);
	}
	mutex_unlock(&inode->lock);
	return n;
}

static struct vm_object *content_map(struct file *file, u64 offset, u64 length, u32 prot, u32 flags)
{
	content_accessed(file->inode);
	vm_object_get(file->inode->object);
	return file->inode->object;
}

static const struct file_ops content_ops = {
    .read = content_read,
    .write = content_write,
    .map = content_map,
};

/* --- Inodes ----------------------------------------------------------------------------------- */

static ssize_t ramfs_readlink(struct inode *link, char *buf, size_t size)
{
	size_t n = MIN(link->size, size);

	memcpy(buf, link->private, n);
	return (ssize_t)n;
}

static const struct inode_ops link_ops = {.readlink = ramfs_readlink};

struct inode *ramfs_inode(struct superblock *sb, u32 mode, u64 rdev, const char *target)
{
	struct inode *inode = inode_create(sb, mode, S_ISLNK(mode) ? &link_ops : NULL,
					   S_ISREG(mode) ? &content_ops : NULL);

	if (IS_ERR(inode))
		return inode;
	inode->rdev = rdev;
	if (S_ISLNK(mode)) {
		inode->size = strlen(target);
		inode->private = kmalloc(inode->size + 1);
		if (inode->private)
			memcpy(inode->private, target, inode->size + 1);
	} else if (S_ISREG(mode)) {
		struct vm_object *object = vm_object_create(0, PAGE_FILE);

		inode->object = IS_ERR(object) ? NULL : object;
	}
	if ((S_ISLNK(mode) && !inode->private) || (S_ISREG(mode) && !inode->object)) {
		inode_put(inode);
		return ERR_PTR(-ENOMEM);
	}
	if (inode->object)
		inode->object->is_content = true;
	return inode;
}

int vfs_truncate(struct inode *inode, u64 size)
{
	int error;

	if (S_ISDIR(inode->mode))
		return -EISDIR;
	if (!inode->object)
		return -EINVAL;
	if (size > FILE_MAX)
		return -EFBIG;
	mutex_lock(&inode->lock);
	inode_written(inode);
	error = inode_may_change(inode, size, false) ?: vm_object_resize(inode->object, size);
	if (!error) {
		WRITE_ONCE(inode->size, size);
		inode_touch(inode, false, true);
	}
	mutex_unlock(&inode->lock);
	return error;
}

struct stat vfs_stat(struct inode *inode)
{
	struct stat st;

	mutex_lock(&inode->lock);
	st = (struct stat){
	    .st_dev = inode->sb->device,
	    .st_ino = inode->ino,
	    .st_nlink = inode->nlink,
	    .st_mode = inode->mode,
	    .st_uid = inode->uid,
	    .st_gid = inode->gid,
	    .st_rdev = inode->rdev,
	    .st_size = (s64)inode->size,
	    .st_blksize = PAGE_SIZE,
	    .st_atime = inode->atime,
	    .st_mtime = inode->mtime,
	    .st_ctime = inode->ctime,
	};
	if (inode->object)
		st.st_blocks = (s64)(READ_ONCE(inode->object->page_count) * (PAGE_SIZE / 512));
	mutex_unlock(&inode->lock);
	return st;
}
