/* SPDX-License-Identifier: MIT
 *
 * Calls that name files: open, links, directories, mounts.
 */
#include "kernel/fs/file_table.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/mem/slab.h"
#include "kernel/sys/calls.h"

struct inode *fd_inode(u32 fd)
{
	struct file *f = fd_get(fd);
	struct inode *inode;

	if (!f)
		return ERR_PTR(-EBADF);
	inode = f->inode;
	inode_get(inode);
	file_put(f);
	return inode;
}

/* A user's string of at most PATH_MAX bytes with its NUL: ERR_PTR. */
static char *string_get(u64 user)
{
	char *text = kmalloc(PATH_MAX);
	ssize_t n;

	if (!text)
		return ERR_PTR(-ENOMEM);
	n = copy_string_from_user(text, (const char *)user, PATH_MAX);
	if (n >= 0)
		return text;
	kfree(text);
	return ERR_PTR(n);
}

int path_get(struct path_argument *p, int dirfd, u64 user_path, bool may_be_empty)
{
	int error = 0;

	p->at = NULL;
	p->text = string_get(user_path);
	if (IS_ERR(p->text))
		return (int)PTR_ERR(p->text);
	if (!p->text[0] && !may_be_empty) {
		error = -ENOENT;
	} else if (p->text[0] != '/' && dirfd != AT_FDCWD) {
		p->at = fd_inode((u32)dirfd);
		if (IS_ERR(p->at))
			error = (int)PTR_ERR(p->at);
		else if (p->text[0] && !S_ISDIR(p->at->mode))
			error = -ENOTDIR;
	}
	if (error)
		path_put(p);
	return error;
}

void path_put(struct path_argument *p)
{
	kfree(p->text);
	if (p->at && !IS_ERR(p->at))
		inode_put(p->at);
}

struct inode *path_inode(int dirfd, u64 user_path, u32 flags)
{
	struct path_argument p;
	struct inode *inode;
	int error = path_get(&p, dirfd, user_path, flags & AT_EMPTY_PATH);

	if (error)
		return ERR_PTR(error);
	if (!p.text[0] && p.at) {
		inode = p.at;
		inode_get(inode);
	} else {
		inode = vfs_lookup(p.at, p.text[0] ? p.text : ".", flags & AT_SYMLINK_NOFOLLOW);
	}
	path_put(&p);
	return inode;
}

#define WITH_PATH(dirfd, user_path, call)                                                          \
	({                                                                                         \
		struct path_argument p;                                                            \
		long _result = path_get(&p, (int)(dirfd), (user_path), false);                     \
		if (!_result) {                                                                    \
			_result = (call);                                                          \
			path_put(&p);                                                              \
		}                                                                                  \
		_result;                                                                           \
	})

/* --- Opening ---------------------------------------------------------------------------------- */

static long open_path(struct path_argument *p, u32 flags, u32 mode)
{
	struct file *f;
	int fd;

	f = vfs_open(p->at, p->text, flags, mode & 07777);
	if (IS_ERR(f))
		return PTR_ERR(f);
	fd = fd_install(f, 0, flags & O_CLOEXEC);
	if (fd < 0)
		file_put(f);
	return fd;
}

SYSCALL4(openat, dirfd, path, flags, mode)
{
	return WITH_PATH(dirfd, path, open_path(&p, (u32)flags, (u32)mode));
}

FORWARD_AT(open, openat)

SYSCALL2(creat, path, mode)
{
	return sys_open(path, O_CREAT | O_WRONLY | O_TRUNC, mode, 0, 0, 0);
}

/* --- Making and removing names ---------------------------------------------------------------- */

static long make_node(u64 dirfd, u64 path, u32 mode, u64 device)
{
	switch (mode & S_IFMT) {
	case 0:
		mode |= S_IFREG;
		break;
	case S_IFREG:
	case S_IFIFO:
	case S_IFSOCK:
		break;
	case S_IFCHR:
	case S_IFBLK:
		if (!is_privileged())
			return -EPERM;
		break;
	case S_IFDIR:
		return -EPERM;
	default:
		return -EINVAL;
	}
	/* The ABI's number: the minor's upper bits lie above the major. */
	device = MAKEDEV(device >> 8 & 0xfff, (device & 0xff) | (device >> 12 & 0xfff00));
	return WITH_PATH(dirfd, path, vfs_create(p.at, p.text, mode & (S_IFMT | 07777), device));
}

static long remove_name(u64 dirfd, u64 path, bool directory)
{
	return WITH_PATH(dirfd, path, vfs_unlink(p.at, p.text, directory));
}

SYSCALL3(mkdirat, dirfd, path, mode)
{
	return WITH_PATH(dirfd, path, vfs_create(p.at, p.text, S_IFDIR | ((u32)mode & 01777), 0));
}

FORWARD_AT(mkdir, mkdirat)

SYSCALL4(mknodat, dirfd, path, mode, device)
{
	return make_node(dirfd, path, (u32)mode, (u32)device);
}

FORWARD_AT(mknod, mknodat)

SYSCALL1(unlink, path)
{
	return remove_name((u64)AT_FDCWD, path, false);
}

SYSCALL1(rmdir, path)
{
	return remove_name((u64)AT_FDCWD, path, true);
}

SYSCALL3(unlinkat, dirfd, path, flags)
{
	if (flags & ~(u64)AT_REMOVEDIR)
		return -EINVAL;
	return remove_name(dirfd, path, flags & AT_REMOVEDIR);
}

static long rename_at(u64 old_fd, u64 old_path, u64 new_fd, u64 new_path, u32 flags)
{
	struct path_argument to;
	long error = path_get(&to, (int)new_fd, new_path, false);

	if (error)
		return error;
	error = WITH_PATH(old_fd, old_path, vfs_rename(p.at, p.text, to.at, to.text, flags));
	path_put(&to);
	return error;
}

SYSCALL2(rename, old_path, new_path)
{
	return rename_at((u64)AT_FDCWD, old_path, (u64)AT_FDCWD, new_path, 0);
}

SYSCALL4(renameat, old_fd, old_path, new_fd, new_path)
{
	return rename_at(old_fd, old_path, new_fd, new_path, 0);
}

SYSCALL5(renameat2, old_fd, old_path, new_fd, new_path, flags)
{
	if (flags & ~(u64)(RENAME_NOREPLACE | RENAME_EXCHANGE) ||
	    flags == (RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	return rename_at(old_fd, old_path, new_fd, new_path, (u32)flags);
}

static long link_at(u64 old_fd, u64 old_path, u64 new_fd, u64 new_path, u32 flags)
{
	struct path_argument to;
	long error = path_get(&to, (int)new_fd, new_path, false);

	if (error)
		return error;
	error = WITH_PATH(old_fd, old_path, vfs_link(p.at, p.text, to.at, to.text, flags));
	path_put(&to);
	return error;
}

SYSCALL2(link, old_path, new_path)
{
	return link_at((u64)AT_FDCWD, old_path, (u64)AT_FDCWD, new_path, 0);
}

SYSCALL5(linkat, old_fd, old_path, new_fd, new_path, flags)
{
	if (flags & ~(u64)AT_SYMLINK_FOLLOW)
		return -EINVAL;
	return link_at(old_fd, old_path, new_fd, new_path, (u32)flags);
}

static long symlink_at(u64 target, u64 dirfd, u64 path)
{
	char *text = string_get(target);
	long error;

	if (IS_ERR(text))
		return PTR_ERR(text);
	error = text[0] ? WITH_PATH(dirfd, path, vfs_symlink(p.at, p.text, text)) : -ENOENT;
	kfree(text);
	return error;
}

SYSCALL2(symlink, target, path)
{
	return symlink_at(target, (u64)AT_FDCWD, path);
}

SYSCALL3(symlinkat, target, dirfd, path)
{
	return symlink_at(target, dirfd, path);
}

static long read_link(struct inode *link, u64 buffer, u64 size)
{
	char *text;
	ssize_t n;

	if (!S_ISLNK(link->mode) || !link->ops->readlink)
		return -EINVAL;
	text = kmalloc(PATH_MAX);
	if (!text)
		return -ENOMEM;
	n = link->ops->readlink(link, text, PATH_MAX);
	if (n > 0) {
		n = MIN(n, (ssize_t)size);
		if (copy_to_user((void *)buffer, text, (size_t)n))
			n = -EFAULT;
	}
	kfree(text);
	return n;
}

static long read_link_at(u64 dirfd, u64 path, u64 buffer, u64 size, u32 flags)
{
	if ((s32)size <= 0)
		return -EINVAL;
	return WITH_INODE(path_inode((int)dirfd, path, AT_SYMLINK_NOFOLLOW | flags),
			  read_link(inode, buffer, (u32)size));
}

SYSCALL3(readlink, path, buffer, size)
{
	return read_link_at((u64)AT_FDCWD, path, buffer, size, 0);
}

SYSCALL4(readlinkat, dirfd, path, buffer, size)
{
	return read_link_at(dirfd, path, buffer, size, AT_EMPTY_PATH);
}

/* --- Working directory ------------------------------------------------------------------------ */

SYSCALL2(getcwd, buffer, size)
{
	struct fs_context *fs = current_process()->fs;
	struct inode *cwd;
	char *text = kmalloc(PATH_MAX);
	ssize_t n;

	if (!text)
		return -ENOMEM;
	mutex_lock(&fs->lock);
	cwd = fs->cwd;
	inode_get(cwd);
	mutex_unlock(&fs->lock);
	n = vfs_path_of(cwd, text, PATH_MAX);
	inode_put(cwd);
	if (n >= 0) {
		n++;
		if ((u64)n > size)
			n = -ERANGE;
		else if (copy_to_user((void *)buffer, text, (size_t)n))
			n = -EFAULT;
	}
	kfree(text);
	return n;
}

/* Make `inode` the working directory, or the root. */
static long set_directory(struct inode *inode, bool root)
{
	struct fs_context *fs = current_process()->fs;
	struct inode **slot = root ? &fs->root : &fs->cwd, *old;

	if (!S_ISDIR(inode->mode))
		return -ENOTDIR;
	inode_get(inode);
	mutex_lock(&fs->lock);
	old = *slot;
	*slot = inode;
	mutex_unlock(&fs->lock);
	inode_put(old);
	return 0;
}

SYSCALL1(chdir, path)
{
	return WITH_INODE(path_inode(AT_FDCWD, path, 0), set_directory(inode, false));
}

SYSCALL1(fchdir, fd)
{
	return WITH_INODE(fd_inode((u32)fd), set_directory(inode, false));
}

SYSCALL1(chroot, path)
{
	return WITH_INODE(path_inode(AT_FDCWD, path, 0),
			  is_privileged() ? set_directory(inode, true) : -EPERM);
}

SYSCALL1(umask, mask)
{
	struct fs_context *fs = current_process()->fs;
	u32 old;

	mutex_lock(&fs->lock);
	old = fs->umask;
	WRITE_ONCE(fs->umask, (u32)mask & 0777);
	mutex_unlock(&fs->lock);
	return old;
}

/* --- Mounts ----------------------------------------------------------------------------------- */

SYSCALL5(mount, source, target, type, flags, data)
{
	char *name;
	long error;

	if (!is_privileged())
		return -EPERM;
	name = string_get(type);
	if (IS_ERR(name))
		return PTR_ERR(name);
	error = WITH_PATH(AT_FDCWD, target, vfs_mount(name, p.text));
	kfree(name);
	return error;
}

SYSCALL2(umount2, target, flags)
{
	if (!is_privileged())
		return -EPERM;
	return WITH_PATH(AT_FDCWD, target, vfs_unmount(p.text));
}
