/* SPDX-License-Identifier: MIT
 *
 * Giving a file a second name: link().
 */
#include "kernel/fs/internal.h"
#include "kernel/linux/errno.h"
#include "kernel/linux/names/names.h"

/* Enter `target` under the name at which the walk ended.  Locks the directory, then `target`. */
static int link_inode(struct inode *target, struct path_walk *w)
{
	int error;

	if (target->sb != w->dir->sb)
		return -EXDEV;
	if (may_access(w->dir, MAY_WRITE | MAY_EXEC))
		return -EACCES;
	if (S_ISDIR(target->mode) || w->dir->sb->fixed)
		return -EPERM;
	mutex_lock(&w->dir->lock);
	mutex_lock(&target->lock);
	if (!w->dir->nlink || !(target->nlink || target->linkable))
		error = -ENOENT;
	else
		error = directory_enter(w->dir, w->name, w->length, target);
	if (!error) {
		target->nlink++;
		target->linkable = false;
		inode_touch(target, false, false);
	}
	mutex_unlock(&target->lock);
	mutex_unlock(&w->dir->lock);
	return error;
}

int vfs_link(struct inode *old_at, const char *old_path, struct inode *new_at, const char *new_path,
	     u32 flags)
{
	struct inode *target = old_at;
	struct path_walk w;
	int error;

	if (!*old_path && old_at)
		inode_get(target);
	else
		target = vfs_lookup(old_at, *old_path ? old_path : ".",
				    flags & AT_SYMLINK_FOLLOW ? 0 : AT_SYMLINK_NOFOLLOW);
	if (IS_ERR(target))
		return (int)PTR_ERR(target);
	error = path_walk_to_new(new_at, new_path, false, &w);
	if (!error) {
		error = link_inode(target, &w);
		path_walk_end(&w);
	}
	inode_put(target);
	return error;
}
