/* SPDX-License-Identifier: MIT
 *
 * Changes of directories: creation of files, unlink() and rmdir().
 */
#include "kernel/fs/internal.h"

#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"

/* --- Making ----------------------------------------------------------------------------------- */

struct inode *vfs_enter(struct inode *dir, const char *name, size_t length, struct inode *inode)
{
	int error;

	inode_own(inode, dir);
	error = directory_enter(dir, name, length, inode);
	if (!error)
		return inode;
	inode_put(inode);
	return ERR_PTR(error);
}

struct inode *vfs_make(struct inode *dir, const char *name, size_t length, u32 mode, u64 rdev,
		       const char *target)
{
	struct inode *inode;

	if (!dir->nlink)
		return ERR_PTR(-ENOENT);
	if (may_access(dir, MAY_WRITE | MAY_EXEC))
		return ERR_PTR(-EACCES);
	if (dir->sb->fixed)
		return ERR_PTR(S_ISREG(mode) ? -EACCES : -EPERM);
	inode = (dir->sb->make ?: ramfs_inode)(dir->sb, mode, rdev, target);
	return IS_ERR(inode) ? inode : vfs_enter(dir, name, length, inode);
}

int path_walk_to_new(struct inode *at, const char *path, bool directory, struct path_walk *w)
{
	int error = path_walk(at, path, 0, w);

	if (error)
		return error;
	if (path_is_dot(w) || w->inode)
		error = -EEXIST;
	else if (w->slash && !directory)
		error = -ENOENT;
	if (error)
		path_walk_end(w);
	return error;
}

/* Make a file at `path`.  Returns its inode with a reference, or ERR_PTR.  Sleeps. */
static struct inode *make_at(struct inode *at, const char *path, u32 mode, u64 rdev,
			     const char *target)
{
	struct path_walk w;
	struct inode *inode;
	int error = path_walk_to_new(at, path, S_ISDIR(mode), &w);

	if (error)
		return ERR_PTR(error);
	mutex_lock(&w.dir->lock);
	inode = vfs_make(w.dir, w.name, w.length, mode, rdev, target);
	mutex_unlock(&w.dir->lock);
	path_walk_end(&w);
	return inode;
}

static int made(struct inode *inode)
{
	if (IS_ERR(inode))
		return (int)PTR_ERR(inode);
	inode_put(inode);
	return 0;
}

int vfs_create(struct inode *at, const char *path, u32 mode, u64 rdev)
{
	if (!(mode & S_IFMT))
		mode |= S_IFREG; /* mknod(2) */
	return made(make_at(at, path, mode & (S_IFMT | 07777) & ~context_umask(), rdev, NULL));
}

int vfs_symlink(struct inode *at, const char *path, const char *target)
{
	if (!*target)
		return -ENOENT;
	if (strnlen(target, PATH_MAX) == PATH_MAX)
		return -ENAMETOOLONG;
	return made(make_at(at, path, S_IFLNK | 0777, 0, target));
}

/* --- Removing --------------------------------------------------------------------------------- */

void inode_lock_child(struct inode *child)
{
	if (S_ISDIR(child->mode))
		mutex_lock_nested(&child->lock);
	else
		mutex_lock(&child->lock);
}

int inode_check_removal(const struct inode *child)
{
	if (child->mounted)
		return -EBUSY;
	return child->by_name.root ? -ENOTEMPTY : 0; /* NULL unless it is a directory */
}

/* Remove the name that the walk has found.  The caller holds the lock of the directory. */
static int unlink_locked(struct path_walk *w, bool directory)
{
	struct entry *e = entry_find(w->dir, w->name, w->length, NULL);
	struct inode *child = e ? e->inode : NULL;
	int error;

	if (!child)
		return -ENOENT;
	error = may_remove(w->dir, child);
	if (error)
		return error;
	if (!directory && S_ISDIR(child->mode))
		return -EISDIR;
	if (!S_ISDIR(child->mode) && (directory || w->slash))
		return -ENOTDIR;
	inode_lock_child(child);
	error = inode_check_removal(child);
	if (!error) {
		entry_lost(w->dir, child);
		entry_remove(w->dir, e);
		inode_touch(w->dir, false, true);
	}
	mutex_unlock(&child->lock);
	if (!error)
		inode_put(child);
	return error;
}

int vfs_unlink(struct inode *at, const char *path, bool directory)
{
	struct path_walk w;
	int error = path_walk(at, path, 0, &w);

	if (error)
		return error;
	if (path_is_dot(&w)) { /* rmdir(2) */
		error = !directory	? -EISDIR
			: !w.length	? -EBUSY
			: w.length == 1 ? -EINVAL
					: -ENOTEMPTY;
	} else if (w.inode && w.dir->sb->fixed) {
		error = -EPERM;
	} else {
		mutex_lock(&w.dir->lock);
		error = unlink_locked(&w, directory);
		mutex_unlock(&w.dir->lock);
	}
	path_walk_end(&w);
	return error;
}
