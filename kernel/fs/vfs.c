/* SPDX-License-Identifier: MIT
 *
 * What changes the tree: make, link, remove and rename; and stat and truncate.
 */
#include "kernel/fs/internal.h"

#include "kernel/lib/errno.h"
#include "kernel/lib/log.h"
#include "kernel/lib/string.h"

/* One rename at a time: so the relation "is an ancestor of" holds still while it is looked at, and
 * only one thread ever holds two directories that are not parent and child. */
static struct lock_class rename_class = {"rename", 0};
static struct mutex rename_mutex = MUTEX_INIT(rename_mutex, &rename_class);

void vfs_init(void)
{
	static const struct {
		const char *path, *type;
	} mounts[] = {
	    {"/proc", "proc"}, {"/dev", "devtmpfs"}, {"/dev/shm", "tmpfs"}, {"/tmp", "tmpfs"}};
	int error;

	inode_init();
	file_init();
	mount_init();
	devfs_init();
	for (size_t i = 0; i < ARRAY_SIZE(mounts); i++) {
		error = vfs_create(NULL, mounts[i].path, S_IFDIR | 0755, 0);
		if (!error)
			error = vfs_mount(mounts[i].type, mounts[i].path);
		if (error)
			log_error("vfs: %s cannot be mounted: error %d", mounts[i].path, -error);
	}
}

struct inode *vfs_make(struct inode *dir, const char *name, size_t length, u32 mode, u64 rdev,
		       const char *target)
{
	struct inode *inode;

	if (!dir->nlink)
		return ERR_PTR(-ENOENT);
	if (!dir->ops->create)
		return ERR_PTR(S_ISREG(mode) ? -EACCES : -EPERM);
	inode = dir->ops->create(dir, name, length, mode, rdev, target);
	if (!IS_ERR(inode))
		inode_touch(dir, false, true);
	return inode;
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

static int make_at(struct inode *at, const char *path, u32 mode, u64 rdev, const char *target)
{
	struct path_walk w;
	struct inode *inode;
	int error = walk_to_new(at, path, S_ISDIR(mode), &w);

	if (error)
		return error;
	mutex_lock(&w.dir->lock);
	inode = vfs_make(w.dir, w.name, w.length, mode, rdev, target);
	mutex_unlock(&w.dir->lock);
	if (IS_ERR(inode))
		error = (int)PTR_ERR(inode);
	else
		inode_put(inode);
	path_walk_end(&w);
	return error;
}

int vfs_create(struct inode *at, const char *path, u32 mode, u64 rdev)
{
	if (!(mode & S_IFMT))
		mode |= S_IFREG; /* mknod(2) */
	return make_at(at, path, mode & ~context_umask(), rdev, NULL);
}

int vfs_symlink(struct inode *at, const char *path, const char *target)
{
	if (!*target)
		return -ENOENT;
	if (strnlen(target, PATH_MAX) == PATH_MAX)
		return -ENAMETOOLONG;
	return make_at(at, path, S_IFLNK | 0777, 0, target);
}

static int link_inode(struct inode *target, struct path_walk *w)
{
	int error;

	if (S_ISDIR(target->mode) || !w->dir->ops->link)
		return -EPERM;
	if (target->sb != w->dir->sb)
		return -EXDEV;
	mutex_lock(&w->dir->lock);
	mutex_lock(&target->lock);
	if (!w->dir->nlink || !target->nlink)
		error = -ENOENT;
	else
		error = w->dir->ops->link(w->dir, w->name, w->length, target);
	if (!error) {
		inode_touch(w->dir, false, true);
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

/* The lock of something in a directory whose lock is held. */
static void lock_child(struct inode *child)
{
	if (S_ISDIR(child->mode))
		mutex_lock_nested(&child->lock);
	else
		mutex_lock(&child->lock);
}

/* A mount point: looked at where it cannot become one (vfs_mount() takes the inode's lock). */
static bool is_mount_point(struct inode *inode)
{
	return READ_ONCE(inode->mounted) != NULL;
}

static int unlink_locked(struct path_walk *w, bool directory)
{
	struct inode *dir = w->dir, *child = dir->ops->lookup(dir, w->name, w->length);
	int error;

	if (IS_ERR(child))
		return (int)PTR_ERR(child);
	lock_child(child);
	if (!dir->ops->unlink)
		error = -EPERM;
	else if (directory && !S_ISDIR(child->mode))
		error = -ENOTDIR;
	else if (!directory && S_ISDIR(child->mode))
		error = -EISDIR;
	else if (!directory && w->slash)
		error = -ENOTDIR;
	else if (is_mount_point(child))
		error = -EBUSY;
	else
		error = dir->ops->unlink(dir, w->name, w->length, directory);
	if (!error) {
		inode_touch(dir, false, true);
		inode_touch(child, false, false);
	}
	mutex_unlock(&child->lock);
	inode_put(child);
	return error;
}

int vfs_unlink(struct inode *at, const char *path, bool directory)
{
	struct path_walk w;
	int error = path_walk(at, path, 0, &w);

	if (error)
		return error;
	if (!path_is_dot(&w)) {
		mutex_lock(&w.dir->lock);
		error = unlink_locked(&w, directory);
		mutex_unlock(&w.dir->lock);
	} else if (!directory) {
		error = -EISDIR;
	} else { /* rmdir(2) */
		error = !w.length ? -EBUSY : w.length == 1 ? -EINVAL : -ENOTEMPTY;
	}
	path_walk_end(&w);
	return error;
}

/* Is `inode` the same as `dir` or above it in its file system?  Under rename_mutex parents do not
 * change. */
static bool is_ancestor(const struct inode *inode, const struct inode *dir)
{
	while (dir != inode && dir->parent && dir->parent != dir)
		dir = dir->parent;
	return dir == inode;
}

static int rename_check(struct path_walk *old, struct path_walk *new, struct inode *source,
			struct inode *target, u32 flags)
{
	bool exchange = flags & RENAME_EXCHANGE, directory = S_ISDIR(source->mode);

	if (!new->dir->nlink || (exchange && !target))
		return -ENOENT;
	if (target && flags & RENAME_NOREPLACE)
		return -EEXIST;
	if ((old->slash && !directory) ||
	    (new->slash && !(exchange ? S_ISDIR(target->mode) : directory)))
		return -ENOTDIR;
	if (is_ancestor(source, new->dir))
		return -EINVAL;
	if (target && is_ancestor(target, old->dir))
		return exchange ? -EINVAL : -ENOTEMPTY;
	if (is_mount_point(source) || (target && is_mount_point(target)))
		return -EBUSY;
	if (target && !exchange && directory != S_ISDIR(target->mode))
		return directory ? -ENOTDIR : -EISDIR;
	return 0;
}

/* Both directories are locked. */
static int rename_inodes(struct path_walk *old, struct path_walk *new, struct inode *source,
			 struct inode *target, u32 flags)
{
	bool replace = target && !(flags & RENAME_EXCHANGE);
	int error = rename_check(old, new, source, target, flags);

	if (error || source == target) /* two names of one file: rename(2) does nothing */
		return error;
	if (replace)
		lock_child(target);
	/* Asked again, for vfs_mount() may have come; where it comes later it finds nlink 0. */
	error = replace && is_mount_point(target)
		    ? -EBUSY
		    : old->dir->ops->rename(old->dir, old->name, old->length, new->dir, new->name,
					    new->length, flags);
	if (replace) {
		if (!error)
			inode_touch(target, false, false);
		mutex_unlock(&target->lock);
	}
	if (!error) {
		inode_touch(old->dir, false, true);
		inode_touch(new->dir, false, true);
	}
	return error;
}

static int rename_locked(struct path_walk *old, struct path_walk *new, u32 flags)
{
	struct inode *source = old->dir->ops->lookup(old->dir, old->name, old->length);
	struct inode *target;
	int error;

	if (IS_ERR(source))
		return (int)PTR_ERR(source);
	target = new->dir->ops->lookup(new->dir, new->name, new->length);
	if (PTR_ERR(target) == -ENOENT)
		target = NULL;
	if (IS_ERR(target)) {
		error = (int)PTR_ERR(target);
	} else {
		error = rename_inodes(old, new, source, target, flags);
		inode_put(target);
	}
	inode_put(source);
	return error;
}

static int rename_walked(struct path_walk *old, struct path_walk *new, u32 flags)
{
	struct inode *first = old->dir, *second = new->dir;
	int error;

	if (path_is_dot(old) || path_is_dot(new))
		return path_is_dot(new) && flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY;
	if (first->sb != second->sb)
		return -EXDEV;
	if (!first->ops->rename)
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
	int error;

	if (flags & ~(u32)(RENAME_NOREPLACE | RENAME_EXCHANGE) ||
	    flags == (RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	error = path_walk(old_at, old_path, 0, &old);
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

int vfs_stat(struct inode *inode, struct stat *st)
{
	*st = (struct stat){0};
	mutex_lock(&inode->lock);
	if (inode->ops && inode->ops->update)
		inode->ops->update(inode);
	st->st_dev = inode->sb->device;
	st->st_ino = inode->ino;
	st->st_nlink = inode->nlink;
	st->st_mode = inode->mode;
	st->st_uid = inode->uid;
	st->st_gid = inode->gid;
	st->st_rdev = inode->rdev;
	st->st_size = (s64)inode->size;
	st->st_blksize = PAGE_SIZE;
	if (inode->object)
		st->st_blocks = (s64)(READ_ONCE(inode->object->page_count) * (PAGE_SIZE / 512));
	st->st_atime = inode->atime;
	st->st_mtime = inode->mtime;
	st->st_ctime = inode->ctime;
	mutex_unlock(&inode->lock);
	return 0;
}

int vfs_truncate(struct inode *inode, u64 size)
{
	int error;

	if (S_ISDIR(inode->mode))
		return -EISDIR;
	if (!S_ISREG(inode->mode) || !inode->ops || !inode->ops->truncate)
		return -EINVAL;
	mutex_lock(&inode->lock);
	error = inode->ops->truncate(inode, size);
	if (!error)
		inode_touch(inode, false, true);
	mutex_unlock(&inode->lock);
	return error;
}
