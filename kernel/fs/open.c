/* SPDX-License-Identifier: MIT
 *
 * open(2).
 */
#include "kernel/fs/device.h"
#include "kernel/fs/file_events.h"
#include "kernel/fs/internal.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/mem/slab.h"

/* Flags that have a meaning only during open(); the file does not keep them. */
#define OPEN_TIME_FLAGS (O_EXEC | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC)

static const struct file_ops no_ops;

/* NULL: an inode of this type cannot be opened. */
static const struct file_ops *ops_for(const struct inode *inode, u32 flags)
{
	if (S_ISDIR(inode->mode) || flags & O_PATH)
		return &no_ops;
	if (S_ISCHR(inode->mode))
		return inode->file_ops ? inode->file_ops : device_ops(inode->rdev);
	if (S_ISFIFO(inode->mode))
		return device_ops(DEVICE_FIFO);
	return inode->file_ops; /* NULL for sockets and block devices */
}

/* Whether the type of the inode allows these flags, and unless it was made by this call, its
 * permissions.  Returns 0 or an error. */
static int open_check(const struct inode *inode, u32 flags, bool is_new)
{
	u32 mask = (u32) "\4\2\6\6"[flags & O_ACCMODE] | (flags & O_TRUNC ? MAY_WRITE : 0) |
		   (flags & O_NOATIME ? MAY_OWN : 0);
	bool writes = (flags & O_ACCMODE) != O_RDONLY || flags & (O_TRUNC | O_CREAT);

	if (flags & O_DIRECTORY && !S_ISDIR(inode->mode))
		return -ENOTDIR;
	if (flags & O_PATH)
		return 0;
	if (S_ISLNK(inode->mode))
		return -ELOOP;
	if (flags & O_EXEC)
		return S_ISREG(inode->mode) ? may_access(inode, MAY_EXEC) : -EACCES;
	if (S_ISDIR(inode->mode) && writes)
		return -EISDIR;
	return is_new ? 0 : may_access(inode, mask);
}

struct file *open_inode(struct inode *inode, u32 flags, bool is_new, struct path_text *path)
{
	const struct file_ops *ops = ops_for(inode, flags);
	int error = open_check(inode, flags, is_new);
	struct file *f;

	if (!error && !ops)
		error = -ENXIO;
	f = error ? ERR_PTR(error) : file_create(inode, ops, flags);
	if (IS_ERR(f)) {
		file_path_put(path);
		return f;
	}
	f->path = path;
	linker_set_for_each(events, file_events)
		if (events->open && !error)
			error = events->open(f, flags);
	if (ops->open && !error)
		error = ops->open(f);
	if (error)
		f->ops = &no_ops; /* open() failed, so file_put() must not call release() */
	if (!error && flags & O_TRUNC && inode->object)
		error = vfs_truncate(inode, 0);
	f->flags &= ~(u32)OPEN_TIME_FLAGS;
	if (!error)
		return f;
	file_put(f);
	return ERR_PTR(error);
}

/* Make the path "directory/name", or "directory" if the name is empty.  ERR_PTR(-ENOMEM). */
static struct path_text *path_create(const char *directory, size_t length, const char *name,
				     size_t name_length)
{
	struct path_text *p = kmalloc(sizeof(*p) + length + 1 + name_length + 1);

	if (!p)
		return ERR_PTR(-ENOMEM);
	refcount_init(&p->refs, 1);
	memcpy(p->text, directory, length);
	if (name_length)
		p->text[length++] = '/';
	memcpy(p->text + length, name, name_length);
	p->text[length + name_length] = '\0';
	return p;
}

/* Returns the path of the inode that the walk has found, with a reference.  NULL: it has none,
 * because its directory was removed or the path is longer than PATH_MAX.  ERR_PTR(-ENOMEM). */
static struct path_text *walked_path(const struct path_walk *w, const struct inode *inode)
{
	bool directory = S_ISDIR(inode->mode);
	struct inode *last = directory ? w->inode : w->dir;
	char brief[128], *text = brief, *page = NULL;
	struct path_text *path = NULL;
	ssize_t n;

	if (w->via) {
		if (w->via->path)
			refcount_get(&w->via->path->refs);
		return w->via->path;
	}
	n = vfs_path_of(last, brief, sizeof(brief));
	if (n == -ERANGE) {
		text = page = kmalloc(PATH_MAX);
		if (!page)
			return ERR_PTR(-ENOMEM);
		n = vfs_path_of(last, page, PATH_MAX);
	}
	if (directory && n >= 0)
		path = path_create(text, (size_t)n, "", 0);
	else if (n >= 0 && (size_t)n + 1 + w->length < PATH_MAX)
		/* For the root drop its "/": path_create() adds the separator. */
		path = path_create(text, n == 1 ? 0 : (size_t)n, w->name, w->length);
	kfree(page);
	return path;
}

/* Returns the inode of the last component for O_CREAT, with a reference: the one that exists, or a
 * new one.  For a new one O_TRUNC is removed from *flags.  ERR_PTR.  Sleeps. */
static struct inode *open_create(struct path_walk *w, u32 *flags, u32 mode)
{
	struct inode *inode = w->inode;

	if (inode && *flags & O_EXCL)
		return ERR_PTR(-EEXIST);
	if (w->slash || (!inode && path_is_dot(w)))
		return ERR_PTR(-EISDIR);
	if (inode) {
		inode_get(inode);
		return inode;
	}
	*flags &= ~(u32)O_TRUNC;
	mutex_lock(&w->dir->lock);
	inode = vfs_make(w->dir, w->name, w->length, S_IFREG | (mode & 07777 & ~context_umask()), 0,
			 NULL);
	mutex_unlock(&w->dir->lock);
	return inode;
}

/* Open the result of a walk.  ERR_PTR.  Sleeps. */
static struct file *open_walked(struct path_walk *w, u32 flags, u32 mode)
{
	struct inode *inode = w->inode;
	struct path_text *path;
	struct file *f;

	if (flags & O_CREAT) {
		inode = open_create(w, &flags, mode);
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
	f = IS_ERR(path) ? (struct file *)path : open_inode(inode, flags, !w->inode, path);
	inode_put(inode);
	return f;
}

/* Whether the walk follows a symbolic link as last component:
 *				"link"			"link/"
 *   default			yes			yes
 *   O_NOFOLLOW			no			yes
 *   O_CREAT			yes			yes
 *   O_CREAT | O_NOFOLLOW	no			no
 *   O_CREAT | O_EXCL		no			no */
static u32 walk_flags_for(u32 flags)
{
	bool exclusive = flags & O_CREAT && flags & O_EXCL;

	return (flags & O_CREAT ? 0 : PATH_FOLLOW_SLASH) |
	       (flags & O_NOFOLLOW || exclusive ? 0 : PATH_FOLLOW);
}

struct file *vfs_open(struct inode *at, const char *path, u32 flags, u32 mode)
{
	u32 walk_flags = walk_flags_for(flags);
	struct path_walk w;
	struct file *f;
	bool again;
	int error;

	if (flags & O_PATH)
		flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	if (flags & O_TMPFILE & ~(u32)O_DIRECTORY)
		linker_set_for_each(events, file_events)
			if (events->open_unnamed)
				return events->open_unnamed(at, path, flags, mode);
	if (flags & O_CREAT && flags & O_DIRECTORY)
		return ERR_PTR(-EINVAL);
	/* Another thread may make the name between the walk and the creation; walk again then. */
	do {
		error = path_walk(at, path, walk_flags, &w);
		if (error)
			return ERR_PTR(error);
		f = open_walked(&w, flags | O_LARGEFILE, mode);
		again = flags & O_CREAT && !(flags & O_EXCL) && !w.inode && PTR_ERR(f) == -EEXIST;
		path_walk_end(&w);
	} while (again);
	return f;
}
