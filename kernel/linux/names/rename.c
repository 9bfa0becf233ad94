/* SPDX-License-Identifier: MIT
 *
 * Giving a file another name: rename().
 */
#include "kernel/fs/internal.h"
#include "kernel/linux/errno.h"
#include "kernel/linux/names/names.h"

/* One rename at a time.  So the relation "is an ancestor of" does not change while rename() looks
 * at it, and only one thread ever holds the locks of two directories that are not parent and
 * child. */
static struct lock_class rename_class = {"rename", 0};
static struct mutex rename_mutex = MUTEX_INIT(rename_mutex, &rename_class);

/* Is `inode` the same as `dir` or above it in its file system?  Under rename_mutex parents do not
 * change. */
static bool is_ancestor(const struct inode *inode, const struct inode *dir)
{
	while (dir != inode && dir->parent != dir)
		dir = dir->parent;
	return dir == inode;
}

/* Check the conditions of rename(2), except those for removing the target. */
static int rename_check(struct path_walk *old, struct path_walk *new, struct inode *source,
			struct inode *target, u32 flags)
{
	bool directory = S_ISDIR(source->mode);
	int error;

	if (!new->dir->nlink)
		return -ENOENT;
	if (target && flags & RENAME_NOREPLACE)
		return -EEXIST;
	if (!target && flags & RENAME_EXCHANGE)
		return -ENOENT;
	if ((old->slash || (new->slash && !(flags & RENAME_EXCHANGE))) && !directory)
		return -ENOTDIR;
	if (new->slash && flags &RENAME_EXCHANGE && !S_ISDIR(target->mode))
		return -ENOTDIR;
	if (is_ancestor(source, new->dir))
		return -EINVAL;
	if (target && is_ancestor(target, old->dir))
		return flags & RENAME_EXCHANGE ? -EINVAL : -ENOTEMPTY;
	error = may_remove(old->dir, source);
	if (!error)
		error = target ? may_remove(new->dir, target)
			       : may_access(new->dir, MAY_WRITE | MAY_EXEC);
	if (!error && directory && old->dir != new->dir)
		error = may_access(source, MAY_WRITE); /* its ".." changes */
	if (!error && flags & RENAME_EXCHANGE && S_ISDIR(target->mode) && old->dir != new->dir)
		error = may_access(target, MAY_WRITE);
	if (error)
		return error;
	if (source->mounted || (target && target->mounted))
		return -EBUSY;
	if (target && directory != S_ISDIR(target->mode) && !(flags & RENAME_EXCHANGE))
		return directory ? -ENOTDIR : -EISDIR;
	return 0;
}

/* Make the entry `to` point to `source`; allocate the entry if `to` is NULL.  Both directories are
 * locked. */
static int rename_onto(struct path_walk *new, struct entry *to, const struct place *place,
		       struct inode *source)
{
	struct inode *target = to ? to->inode : NULL;
	int error = 0;

	if (target) {
		inode_lock_child(target);
		error = inode_check_removal(target);
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
	if (flags & RENAME_EXCHANGE) {
		entry_set(from, old->dir, target);
		entry_set(to, new->dir, source);
		inode_touch(target, false, false);
	} else {
		error = rename_onto(new, to, &place, source);
		if (error)
			return error;
		entry_remove(old->dir, from);
	}
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
