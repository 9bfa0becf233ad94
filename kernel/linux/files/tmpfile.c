/* SPDX-License-Identifier: MIT
 *
 * Files without a name: open(2) with O_TMPFILE.  linkat() can give such a file a name once.
 */
#include "kernel/fs/file_events.h"
#include "kernel/fs/internal.h"
#include "kernel/lib/format.h"
#include "kernel/linux/errno.h"
#include "kernel/mem/slab.h"

/* What /proc shows as the name of the file, or NULL. */
static struct path_text *unnamed_path(struct inode *dir, const struct inode *inode)
{
	struct path_text *path = kmalloc(sizeof(*path) + PATH_MAX);
	ssize_t n;

	if (!path)
		return NULL;
	refcount_init(&path->refs, 1);
	n = vfs_path_of(dir, path->text, PATH_MAX);
	n = n <= 1 ? 0 : n; /* the root is "/" */
	snprintf(path->text + n, (size_t)(PATH_MAX - n), "/#%lu", inode->ino);
	return path;
}

static struct file *open_in(struct inode *dir, u32 flags, u32 mode)
{
	struct inode *inode;
	struct file *f;

	if (!S_ISDIR(dir->mode))
		return ERR_PTR(-ENOTDIR);
	if (dir->sb->fixed)
		return ERR_PTR(-EOPNOTSUPP);
	if (may_access(dir, MAY_WRITE | MAY_EXEC))
		return ERR_PTR(-EACCES);
	inode = ramfs_inode(dir->sb, S_IFREG | (mode & 07777 & ~context_umask()), 0, NULL);
	if (IS_ERR(inode))
		return (struct file *)inode;
	inode_own(inode, dir);
	inode->nlink = 0;
	inode->linkable = !(flags & O_EXCL);
	f = open_inode(inode, flags & ~(u32)(O_TMPFILE | O_EXCL), true, unnamed_path(dir, inode));
	if (!IS_ERR(f)) /* F_GETFL shows them */
		f->flags |= O_TMPFILE;
	inode_put(inode);
	return f;
}

static struct file *open_unnamed(struct inode *at, const char *path, u32 flags, u32 mode)
{
	struct inode *dir;
	struct file *f;

	if ((flags & (O_TMPFILE | O_CREAT)) != O_TMPFILE || (flags & O_ACCMODE) == O_RDONLY)
		return ERR_PTR(-EINVAL);
	dir = vfs_lookup(at, path, flags & O_NOFOLLOW ? AT_SYMLINK_NOFOLLOW : 0);
	if (IS_ERR(dir))
		return (struct file *)dir;
	f = open_in(dir, flags | O_LARGEFILE, mode);
	inode_put(dir);
	return f;
}

FILE_EVENTS(tmpfile_events) = {.open_unnamed = open_unnamed};
