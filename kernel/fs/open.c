/* SPDX-License-Identifier: MIT
 *
 * open(2).
 */
#include "kernel/fs/internal.h"

#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/mem/slab.h"

#define OPEN_ONLY (O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC) /* not kept in the file */

static const struct file_ops no_ops;

static const struct file_ops *ops_for(const struct inode *inode, u32 flags)
{
	if (flags & O_PATH)
		return &no_ops;
	switch (inode->mode & S_IFMT) {
	case S_IFCHR:
		return device_ops(inode->rdev);
	case S_IFIFO:
		return fifo_ops();
	case S_IFDIR:
		return inode->file_ops ? inode->file_ops : &no_ops;
	case S_IFREG:
		return inode->file_ops;
	default: /* sockets, block devices */
		return NULL;
	}
}

static int open_check(const struct inode *inode, u32 flags)
{
	bool writes = (flags & O_ACCMODE) != O_RDONLY || flags & O_TRUNC;

	if (flags & O_DIRECTORY && !S_ISDIR(inode->mode))
		return -ENOTDIR;
	if (flags & O_PATH)
		return 0;
	if (S_ISLNK(inode->mode))
		return -ELOOP;
	if (S_ISDIR(inode->mode) && (writes || flags & O_CREAT))
		return -EISDIR;
	return 0;
}

static struct dentry_path *path_copy(const char *text, size_t length)
{
	struct dentry_path *p = kmalloc(sizeof(*p) + length + 1);

	if (!p)
		return NULL;
	refcount_init(&p->refs, 1);
	memcpy(p->text, text, length);
	p->text[length] = '\0';
	return p;
}

struct file *vfs_open_inode(struct inode *inode, u32 flags, const char *path)
{
	const struct file_ops *ops;
	struct file *f;
	int error = open_check(inode, flags);

	if (error)
		return ERR_PTR(error);
	ops = ops_for(inode, flags);
	if (!ops)
		return ERR_PTR(-ENXIO);
	f = file_create(inode, ops, flags & O_PATH ? O_PATH | (flags & O_DIRECTORY) : flags);
	if (IS_ERR(f))
		return f;
	if (path) {
		f->path = path_copy(path, strlen(path));
		error = f->path ? 0 : -ENOMEM;
	}
	if (!error && ops->open)
		error = ops->open(f);
	if (error) {
		f->ops = &no_ops; /* it was not opened: nothing to release */
		file_put(f);
		return ERR_PTR(error);
	}
	if (flags & O_TRUNC && !(flags & O_PATH) && S_ISREG(inode->mode) && inode->ops &&
	    inode->ops->truncate)
		error = vfs_truncate(inode, 0);
	if (error) {
		file_put(f);
		return ERR_PTR(error);
	}
	f->flags &= ~(u32)OPEN_ONLY;
	return f;
}

/* The name that the walk's result goes by, or NULL where it has none: removed, or longer than a
 * path can be. */
static char *walked_path(const struct path_walk *w, const struct inode *inode)
{
	char *text = kmalloc(PATH_MAX);
	ssize_t n;

	if (!text)
		return ERR_PTR(-ENOMEM);
	if (w->via)
		n = w->via->path ? strscpy(text, w->via->path->text, PATH_MAX) : -ENOENT;
	else
		n = vfs_path_of(S_ISDIR(inode->mode) ? w->inode : w->dir, text, PATH_MAX);
	if (n >= 0 && !w->via && !S_ISDIR(inode->mode)) {
		if (n == 1)
			n = 0; /* the root's slash is the one before the name */
		if ((size_t)n + 1 + w->length < PATH_MAX) {
			text[n] = '/';
			memcpy(text + n + 1, w->name, w->length);
			text[(size_t)n + 1 + w->length] = '\0';
		} else {
			n = -ERANGE;
		}
	}
	if (n >= 0)
		return text;
	kfree(text);
	return NULL;
}

/* The last component with O_CREAT: what is there, or made now.  *made: it is new. */
static struct inode *open_create(struct path_walk *w, u32 flags, u32 mode, bool *made)
{
	struct inode *inode;

	if (w->inode) {
		if (flags & O_EXCL)
			return ERR_PTR(-EEXIST);
		if (w->slash)
			return ERR_PTR(-EISDIR);
		inode_get(w->inode);
		return w->inode;
	}
	if (w->slash || path_is_dot(w))
		return ERR_PTR(-EISDIR);
	mutex_lock(&w->dir->lock);
	inode = vfs_make(w->dir, w->name, w->length, S_IFREG | (mode & 07777 & ~context_umask()), 0,
			 NULL);
	*made = !IS_ERR(inode);
	mutex_unlock(&w->dir->lock);
	return inode;
}

static struct file *open_walked(struct path_walk *w, u32 flags, u32 mode)
{
	struct inode *inode = w->inode;
	struct file *f;
	char *path;
	bool made = false;

	if (flags & O_CREAT) {
		inode = open_create(w, flags, mode, &made);
		if (IS_ERR(inode))
			return (struct file *)inode;
	} else if (!inode) {
		return ERR_PTR(-ENOENT);
	} else if (w->slash && !S_ISDIR(inode->mode)) {
		return ERR_PTR(-ENOTDIR);
	} else {
		inode_get(inode);
	}
	path = walked_path(w, inode);
	if (IS_ERR(path)) {
		f = (struct file *)path;
	} else {
		f = vfs_open_inode(inode, made ? flags & ~(u32)O_TRUNC : flags, path);
		kfree(path);
	}
	inode_put(inode);
	return f;
}

struct file *vfs_open(struct inode *at, const char *path, u32 flags, u32 mode)
{
	u32 walk_flags = PATH_FOLLOW_SLASH;
	struct path_walk w;
	struct file *f;
	int error;

	if (flags & O_PATH)
		flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	else if ((flags & O_TMPFILE) == O_TMPFILE)
		return ERR_PTR(-EOPNOTSUPP);
	if (flags & O_CREAT && flags & O_DIRECTORY)
		return ERR_PTR(-EINVAL);
	if (flags & O_CREAT)
		walk_flags = 0;
	if (!(flags & O_NOFOLLOW) && (flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL))
		walk_flags |= PATH_FOLLOW;
	/* With O_CREAT, somebody may make or remove the name between walk and creation. */
	do {
		error = path_walk(at, path, walk_flags, &w);
		if (error)
			return ERR_PTR(error);
		f = open_walked(&w, flags | O_LARGEFILE, mode);
		error = flags & O_CREAT && !(flags & O_EXCL) && !w.inode && PTR_ERR(f) == -EEXIST;
		path_walk_end(&w);
	} while (error);
	return f;
}
