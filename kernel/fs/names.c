/* SPDX-License-Identifier: MIT
 *
 * What changes directories: making a file, link(), unlink(), rmdir() and rename().
 */
#include "kernel/fs/internal.h"

#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"

/* One rename at a time: so the relation "is an ancestor of" holds still while it is looked at, and
 * only one thread ever holds two directories that are not parent and child. */
static struct lock_class rename_class = {"rename", 0};
static struct mutex rename_mutex = MUTEX_INIT(rename_mutex, &rename_class);

/* --- Making ----------------------------------------------------------------------------------- */

struct inode *vfs_make(struct inode *dir, const char *name, size_t length, u32 mode, u64 rdev,
		       const char *target)
{
	struct inode *inode;
	int error;

	if (!dir->nlink)
		return ERR_PTR(-ENOENT);
	if (dir->sb->fixed)
		return ERR_PTR(S_ISREG(mode) ? -EACCES : -EPERM);
	inode = ramfs_inode(dir->sb, mode, rdev, target);
	if (IS_ERR(inode))
		return inode;
	error = directory_enter(dir, name, length, inode);
	if (!error)
		return inode;
	inode_put(inode);
	return ERR_PTR(error);
}

/* A walk to a name that is to be new. */
static int walk_to_new(struct inode *at, const char *path, bool directory, struct path_walk *w)
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

static struct inode *make_at(struct inode *at, const char *path, u32 mode, u64 rdev,
			     const char *target)
{
	struct path_walk w;
	struct inode *inode;
	int error = walk_to_new(at, path, S_ISDIR(mode), &w);

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

struct inode *vfs_create_socket(const char *path, u32 mode)
{
	return make_at(NULL, path, S_IFSOCK | (mode & ~context_umask()), 0, NULL);
}

int vfs_symlink(struct inode *at, const char *path, const char *target)
{
	if (!*target)
		return -ENOENT;
	if (strnlen(target, PATH_MAX) == PATH_MAX)
		return -ENAMETOOLONG;
	return made(make_at(at, path, S_IFLNK | 0777, 0, target));
}

static int link_inode(struct inode *target, struct path_walk *w)
{
	int error;

	if (target->sb != w->dir->sb)
		return -EXDEV;
	if (S_ISDIR(target->mode) || w->dir->sb->fixed)
		return -EPERM;
	mutex_lock(&w->dir->lock);
	mutex_lock(&target->lock);
	if (!w->dir->nlink || !target->nlink)
		error = -ENOENT;
	else
		error = directory_enter(w->dir, w->name, w->length, target);
	if (!error) {
		target->nlink++;
		inode_touch(target, false, false);
	}
	mutex_unlock(&target->lock);
	mutex_unlock(&w->dir->lock);
	return error;
}

int vfs_link(struct inode *old_at, const char *old_path, struct inode *new_at, const char *new_path,
	     u32 flags)
{
	struct inode *target =
	    vfs_lookup(old_at, old_path, flags & AT_SYMLINK_FOLLOW ? 0 : AT_SYMLINK_NOFOLLOW);
	struct path_walk w;
	int error;

	if (IS_ERR(target))
		return (int)PTR_ERR(target);
	error = walk_to_new(new_at, new_path, false, &w);
	if (!error) {
		error = link_inode(target, &w);
		path_walk_end(&w);
	}
	inode_put(target);
	return error;
}

/* --- Removing --------------------------------------------------------------------------------- */

/* The lock of something in a directory whose lock is held. */
static void lock_child(struct inode *child)
{
	if (S_ISDIR(child->mode))
		mutex_lock_nested(&child->lock);
	else
		mutex_lock(&child->lock);
}

/* May `child`, whose lock is held, lose its name?  */
static int removal_check(const struct inode *child)
{
	if (child->mounted)
		return -EBUSY;
	return child->by_name.root ? -ENOTEMPTY : 0; /* empty in what is no directory */
}

static int unlink_locked(struct path_walk *w, bool directory)
{
	struct entry *e = entry_find(w->dir, w->name, w->length, NULL);
	struct inode *child = e ? e->inode : NULL;
	int error;

	if (!child)
		return -ENOENT;
	if (!directory && S_ISDIR(child->mode))
		return -EISDIR;
	if (!S_ISDIR(child->mode) && (directory || w->slash))
		return -ENOTDIR;
	lock_child(child);
	error = removal_check(child);
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

/* --- Renaming --------------------------------------------------------------------------------- */

/* Is `inode` the same as `dir` or above it in its file system?  Under rename_mutex parents do not
 * change. */
static bool is_ancestor(const struct inode *inode, const struct inode *dir)
{
	while (dir != inode && dir->parent != dir)
		dir = dir->parent;
	return dir == inode;
}

/* rename(2)'s conditions, but for those of the target's removal. */
static int rename_check(struct path_walk *old, struct path_walk *new, struct inode *source,
			struct inode *target, u32 flags)
{
	bool directory = S_ISDIR(source->mode);

	if (!new->dir->nlink)
		return -ENOENT;
	if (target && flags & RENAME_NOREPLACE)
		return -EEXIST;
	if ((old->slash || new->slash) && !directory)
		return -ENOTDIR;
	if (is_ancestor(source, new->dir))
		return -EINVAL;
	if (target && is_ancestor(target, old->dir))
		return -ENOTEMPTY;
	if (source->mounted || (target && target->mounted))
		return -EBUSY;
	if (target && directory != S_ISDIR(target->mode))
		return directory ? -ENOTDIR : -EISDIR;
	return 0;
}

/* The entry `to`, made where there is none, leads to `source` from now on. */
static int rename_onto(struct path_walk *new, struct entry *to, const struct place *place,
		       struct inode *source)
{
	struct inode *target = to ? to->inode : NULL;
	int error = 0;

	if (target) {
		lock_child(target);
		error = removal_check(target);
		if (!error)
			entry_lost(new->dir, target);
		mutex_unlock(&target->lock);
	} else if (new->length > NAME_MAX) {
		error = -ENAMETOOLONG;
	} else {
		to = entry_alloc(new->name, new->length);
		if (!to)
			return -ENOMEM;
		entry_insert(new->dir, to, place);
	}
	if (error)
		return error;
	entry_set(to, new->dir, source);
	inode_put(target);
	return 0;
}

/* Both directories are locked. */
static int rename_locked(struct path_walk *old, struct path_walk *new, u32 flags)
{
	struct place place;
	struct entry *from = entry_find(old->dir, old->name, old->length, NULL);
	struct entry *to = entry_find(new->dir, new->name, new->length, &place);
	struct inode *source = from ? from->inode : NULL, *target = to ? to->inode : NULL;
	int error;

	if (!source)
		return -ENOENT;
	error = rename_check(old, new, source, target, flags);
	if (error || source == target) /* two names of one file: rename(2) does nothing */
		return error;
	error = rename_onto(new, to, &place, source);
	if (error)
		return error;
	entry_remove(old->dir, from);
	inode_touch(source, false, false);
	inode_touch(old->dir, false, true);
	inode_touch(new->dir, false, true);
	return 0;
}

static int rename_walked(struct path_walk *old, struct path_walk *new, u32 flags)
{
	struct inode *first = old->dir, *second = new->dir;
	int error;

	if (path_is_dot(old) || path_is_dot(new))
		return path_is_dot(new) && flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY;
	if (first->sb != second->sb)
		return -EXDEV;
	if (first->sb->fixed)
		return -EPERM;
	mutex_lock(&rename_mutex);
	if (is_ancestor(second, first)) {
		first = new->dir;
		second = old->dir;
	}
	mutex_lock(&first->lock);
	if (second != first)
		mutex_lock_nested(&second->lock);
	error = rename_locked(old, new, flags);
	if (second != first)
		mutex_unlock(&second->lock);
	mutex_unlock(&first->lock);
	mutex_unlock(&rename_mutex);
	return error;
}

int vfs_rename(struct inode *old_at, const char *old_path, struct inode *new_at,
	       const char *new_path, u32 flags)
{
	struct path_walk old, new;
	int error = path_walk(old_at, old_path, 0, &old);

	if (error)
		return error;
	error = path_walk(new_at, new_path, 0, &new);
	if (!error) {
		error = rename_walked(&old, &new, flags);
		path_walk_end(&new);
	}
	path_walk_end(&old);
	return error;
}
