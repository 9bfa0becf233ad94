/* SPDX-License-Identifier: MIT
 *
 * Fill the root file system from cpio archives.
 */
#include "kernel/fs/cpio.h"
#include "kernel/fs/vfs.h"

#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/log/log.h"
#include "kernel/mem/slab.h"

static int write_content(const struct cpio_entry *e)
{
	struct io_buffer io;
	struct file *f;
	ssize_t n = 0;

	/* A file with several names has its content only at the last of them; such links are not
	 * supported. */
	if (e->nlink > 1 && !e->size)
		return -EMLINK;
	f = vfs_open(NULL, e->name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, e->mode & 07777);
	if (IS_ERR(f))
		return (int)PTR_ERR(f);
	io_init_kernel(&io, (void *)(uintptr_t)e->data, e->size);
	while (io.remaining && n >= 0)
		n = file_transfer(f, &io, true, NULL);
	file_put(f);
	return n < 0 ? (int)n : 0;
}

static int make_symlink(const struct cpio_entry *e)
{
	char *target;
	int error;

	if (e->size >= PATH_MAX)
		return -ENAMETOOLONG;
	target = kmalloc(e->size + 1);
	if (!target)
		return -ENOMEM;
	memcpy(target, e->data, e->size);
	target[e->size] = '\0';
	error = vfs_symlink(NULL, target[0] ? e->name : "", target);
	kfree(target);
	return error;
}

/* Remove an older file of that name, since later entries replace earlier ones.  Returns 1 if there
 * is a directory that stays with its content, because the entry is a directory too; else 0 or an
 * error. */
static int make_way(const struct cpio_entry *e)
{
	struct inode *old = vfs_lookup(NULL, e->name, AT_SYMLINK_NOFOLLOW);
	u32 mode;

	if (IS_ERR(old))
		return PTR_ERR(old) == -ENOENT ? 0 : (int)PTR_ERR(old);
	mode = old->mode;
	inode_put(old);
	if (S_ISDIR(mode) && S_ISDIR(e->mode))
		return 1;
	return vfs_unlink(NULL, e->name, S_ISDIR(mode));
}

static int set_attributes(const struct cpio_entry *e)
{
	struct inode *inode = vfs_lookup(NULL, e->name, AT_SYMLINK_NOFOLLOW);

	if (IS_ERR(inode))
		return (int)PTR_ERR(inode);
	mutex_lock(&inode->lock);
	inode->mode = (inode->mode & S_IFMT) | (e->mode & 07777);
	inode->uid = e->uid;
	inode->gid = e->gid;
	inode->mtime = (struct timespec){e->mtime, 0};
	mutex_unlock(&inode->lock);
	inode_put(inode);
	return 0;
}

static int make_entry(const struct cpio_entry *e)
{
	int result = make_way(e);

	if (result < 0)
		return result;
	if (S_ISLNK(e->mode))
		result = make_symlink(e);
	else if (S_ISREG(e->mode))
		result = write_content(e);
	else if (!result) /* else it is a directory that exists */
		result = vfs_create(NULL, e->name, e->mode, MAKEDEV(e->rdev_major, e->rdev_minor));
	else
		result = 0;
	return result ? result : set_attributes(e);
}

/* Make the file of one entry.  An error is logged and the next entry is tried, except when memory
 * is full. */
static int unpack_entry(void *context, const struct cpio_entry *entry)
{
	struct cpio_entry e = *entry;
	int error;

	while (*e.name == '/' || (e.name[0] == '.' && e.name[1] == '/'))
		e.name++;
	if (!*e.name || !strcmp(e.name, ".")) /* the root itself */
		return 0;
	error = make_entry(&e);
	if (error == -ENOMEM || error == -ENOSPC) {
		log_error("initramfs: memory is full at %s", e.name);
		return error;
	}
	if (error)
		log_warn("initramfs: cannot make %s (error %d): it is skipped", e.name, -error);
	return 0;
}

ssize_t initramfs_unpack(const void *archive, size_t size)
{
	size_t offset;
	ssize_t n = cpio_walk(archive, size, unpack_entry, NULL, &offset);

	if (n == -EINVAL || n == -E2BIG)
		log_error("initramfs: the archive of %zu bytes is %s at offset %zu", size,
			  n == -E2BIG ? "cut short"
			  : offset    ? "broken"
				      : "no cpio archive (newc, not compressed)",
			  offset);
	return n;
}
