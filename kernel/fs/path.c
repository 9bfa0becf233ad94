/* SPDX-License-Identifier: MIT
 *
 * Find the inode of a path (path_resolution(7)), and the path of a directory.
 */
#include "kernel/fs/internal.h"

#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/mem/slab.h"
#include "kernel/task/process.h"

#define BUFFER_SIZE  (2 * PATH_MAX)
#define SYMLINKS_MAX 40 /* the limit for one walk; path_resolution(7) */

struct superblock *vfs_root_superblock;

/* Returns the working directory of the process, with a reference.  If the boot has
 * not set one yet, it returns the root. */
static struct inode *working_directory(void)
{
	struct fs_context *c = current_process()->fs;
	struct inode *dir;

	mutex_lock(&c->lock);
	dir = c->cwd ? c->cwd : vfs_root_superblock->root;
	inode_get(dir);
	mutex_unlock(&c->lock);
	return dir;
}

static struct inode *root_directory(void)
{
	inode_get(vfs_root_superblock->root);
	return vfs_root_superblock->root;
}

u32 context_umask(void)
{
	return READ_ONCE(current_process()->fs->umask) & 0777;
}

/* Returns the root of the file system that is mounted on `inode`, or `inode` if there is none, with
 * a reference.  Takes over the reference to `inode`. */
static struct inode *mount_cross(struct inode *inode)
{
	struct inode *top = inode->mounted;

	if (!top)
		return inode;
	inode_get(top);
	inode_put(inode);
	return top;
}

/* Returns the directory that ".." means in `dir`, with a reference.  At the root of a mount it is
 * the parent of the directory that the mount covers. */
static struct inode *parent_of(struct inode *dir)
{
	spin_lock(&vfs_tree_lock);
	while (dir == dir->sb->root && dir->sb->covered)
		dir = dir->sb->covered;
	dir = dir->parent;
	inode_get(dir);
	spin_unlock(&vfs_tree_lock);
	return dir;
}

/* Returns the length of a name that is "." or "..", else 0. */
static size_t count_dots(const char *name, size_t length)
{
	return length <= 2 && name[0] == '.' && name[length - 1] == '.' ? length : 0;
}

/* Returns the inode of one component, with a reference; it does not follow links.  ERR_PTR(-ENOENT,
 * -ENOTDIR, -EACCES, -ENAMETOOLONG).  Sleeps. */
static struct inode *step(struct inode *dir, const char *name, size_t length)
{
	struct inode *inode;
	size_t dots;

	if (!S_ISDIR(dir->mode))
		return ERR_PTR(-ENOTDIR);
	if (may_access(dir, MAY_EXEC))
		return ERR_PTR(-EACCES);
	if (length > NAME_MAX)
		return ERR_PTR(-ENAMETOOLONG);
	dots = count_dots(name, length);
	if (dots == 1)
		inode_get(dir);
	if (dots)
		return dots == 1 ? dir : parent_of(dir);
	mutex_lock(&dir->lock);
	inode = directory_lookup(dir, name, length);
	mutex_unlock(&dir->lock);
	return IS_ERR(inode) ? inode : mount_cross(inode);
}

/* Replace *rest by the target of a symbolic link and the old rest.  The rest lies at the end of the
 * buffer, and the target is copied before it.  Returns 0 or an error.  Sleeps. */
static int expand(struct path_walk *w, struct inode *link, const char **rest)
{
	size_t left = strlen(*rest) + 1, room = BUFFER_SIZE - left,
	       most = MIN(room, (size_t)PATH_MAX);
	ssize_t n;

	if (left >= BUFFER_SIZE)
		return -ENAMETOOLONG;
	if (!w->buffer)
		w->buffer = kmalloc(BUFFER_SIZE);
	if (!w->buffer)
		return -ENOMEM;
	memmove(w->buffer + room, *rest, left);
	n = link->ops->readlink(link, w->buffer, most);
	if (n <= 0)
		return n ? (int)n : -ENOENT;
	if ((size_t)n >= most)
		return -ENAMETOOLONG;
	*rest = memmove(w->buffer + room - n, w->buffer, (size_t)n);
	return 0;
}

static void enter(struct path_walk *w, struct inode *dir)
{
	inode_put(w->dir);
	w->dir = dir;
}

/* Follow `link`.  If it leads to an open file, return the inode of the file, with a reference. Else
 * return NULL: *rest is now the text of the link and the old rest, and w->dir is the root if the
 * text begins with "/".  ERR_PTR.  Sleeps. */
static struct inode *follow(struct path_walk *w, struct inode *link, const char **rest, bool last)
{
	struct inode *inode;
	struct file *f;
	int error;

	if (!link->ops->follow_file) {
		error = expand(w, link, rest);
		if (!error && **rest == '/')
			enter(w, root_directory());
		return error ? ERR_PTR(error) : NULL;
	}
	f = link->ops->follow_file(link);
	if (IS_ERR(f))
		return (struct inode *)f;
	inode = f->inode;
	inode_get(inode);
	if (last)
		w->via = f;
	else
		file_put(f);
	return inode;
}

/* Scan one component: set name, length and slash of `w`, and return the text after the component.
 * *last: only slashes follow.  The length is 0 if there is no component. */
static const char *next_component(struct path_walk *w, const char *rest, bool *last)
{
	const char *tail;

	while (*rest == '/')
		rest++;
	w->name = rest;
	while (*rest && *rest != '/')
		rest++;
	w->length = (size_t)(rest - w->name);
	w->slash = *rest == '/' || !w->length;
	for (tail = rest; *tail == '/';)
		tail++;
	*last = !*tail;
	return rest;
}

/* Walk the path `rest` from w->dir.  Returns 0, also if only the last component does not exist
 * (w->inode stays NULL then), or an error.  Sleeps. */
static int walk(struct path_walk *w, const char *rest, u32 flags)
{
	struct inode *next, *target;
	unsigned links = 0;
	bool last;

	for (;;) { /* the walk has reached w->dir, and `rest` is left */
		rest = next_component(w, rest, &last);
		if (!w->length) { /* the path was "/", or a link to it */
			inode_get(w->dir);
			w->inode = w->dir;
			return 0;
		}
		next = step(w->dir, w->name, w->length);
		if (IS_ERR(next))
			return last && PTR_ERR(next) == -ENOENT ? 0 : (int)PTR_ERR(next);
		if (S_ISLNK(next->mode) &&
		    (!last || flags & PATH_FOLLOW || (w->slash && flags & PATH_FOLLOW_SLASH))) {
			target =
			    ++links > SYMLINKS_MAX ? ERR_PTR(-ELOOP) : follow(w, next, &rest, last);
			inode_put(next);
			if (IS_ERR(target))
				return (int)PTR_ERR(target);
			if (!target)
				continue; /* walk the text of the link */
			next = target;
		}
		if (last) {
			w->inode = next;
			return 0;
		}
		enter(w, next);
	}
}

int path_walk(struct inode *at, const char *path, u32 flags, struct path_walk *w)
{
	int error;

	*w = (struct path_walk){0};
	if (!*path)
		return -ENOENT;
	if (*path == '/') {
		w->dir = root_directory();
	} else if (!at) {
		w->dir = working_directory();
	} else {
		inode_get(at);
		w->dir = at;
	}
	error = walk(w, path, flags);
	if (error)
		path_walk_end(w);
	return error;
}

void path_walk_end(struct path_walk *w)
{
	inode_put(w->inode);
	inode_put(w->dir);
	if (w->via)
		file_put(w->via);
	kfree(w->buffer);
}

bool path_is_dot(const struct path_walk *w)
{
	return !w->length || count_dots(w->name, w->length);
}

struct inode *vfs_lookup(struct inode *at, const char *path, u32 flags)
{
	struct path_walk w;
	struct inode *inode;
	int error = path_walk(
	    at, path, PATH_FOLLOW_SLASH | (flags & AT_SYMLINK_NOFOLLOW ? 0 : PATH_FOLLOW), &w);

	if (error)
		return ERR_PTR(error);
	inode = w.inode;
	if (!inode)
		inode = ERR_PTR(-ENOENT);
	else if (w.slash && !S_ISDIR(inode->mode))
		inode = ERR_PTR(-ENOTDIR);
	else
		inode_get(inode);
	path_walk_end(&w);
	return inode;
}

/* Write the path into `buf` from its end to its beginning, then move it to the beginning.  The
 * caller holds vfs_tree_lock, so the tree cannot change.  Each directory holds a reference to its
 * parent. */
static ssize_t path_build(struct inode *dir, char *buf, size_t size)
{
	size_t at = size - 1, n;

	while (dir != vfs_root_superblock->root) {
		if (dir == dir->sb->root) {
			dir = dir->sb->covered;
			continue;
		}
		if (!dir->self)
			return -ENOENT;
		n = dir->self->length;
		if (n + 1 > at)
			return -ERANGE;
		at -= n + 1;
		buf[at] = '/';
		memcpy(buf + at + 1, dir->self->name, n);
		dir = dir->parent;
	}
	if (at == size - 1) {
		if (!at)
			return -ERANGE;
		buf[--at] = '/';
	}
	n = size - 1 - at;
	memmove(buf, buf + at, n);
	buf[n] = '\0';
	return (ssize_t)n;
}

ssize_t vfs_path_of(struct inode *directory, char *buf, size_t size)
{
	ssize_t n;

	if (!size)
		return -ERANGE;
	spin_lock(&vfs_tree_lock);
	n = path_build(directory, buf, size);
	spin_unlock(&vfs_tree_lock);
	return n;
}
