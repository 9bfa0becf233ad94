/* SPDX-License-Identifier: MIT
 *
 * Calls that name files: open, unlink, directories.
 */
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/mem/slab.h"
#include "kernel/sys/calls.h"

/* Take a reference and return the inode. */
static struct inode *inode_of(struct inode *inode)
{
	inode_get(inode);
	return inode;
}

struct inode *fd_inode(u64 fd)
{
	return (struct inode *)WITH_ANY_FILE(fd, (long)inode_of(file->inode));
}

void path_put(struct path_argument *p)
{
	if (p->text != p->brief)
		kfree(p->text);
	if (p->at && !IS_ERR(p->at))
		inode_put(p->at);
}

int path_get(struct path_argument *p, u64 dirfd, u64 user_path, bool may_be_empty)
{
	ssize_t n = copy_string_from_user(p->brief, (const char *)user_path, sizeof(p->brief));
	int error = 0;

	p->text = n == -ENAMETOOLONG ? string_get(user_path) : n < 0 ? ERR_PTR(n) : p->brief;
	if (IS_ERR(p->text))
		return (int)PTR_ERR(p->text);
	p->at = NULL;
	if (!p->text[0] && !may_be_empty) {
		error = -ENOENT;
	} else if (p->text[0] != '/' && (int)dirfd != AT_FDCWD) {
		p->at = fd_inode(dirfd);
		if (IS_ERR(p->at))
			error = (int)PTR_ERR(p->at);
		else if (p->text[0] && !S_ISDIR(p->at->mode))
			error = -ENOTDIR;
	}
	if (error)
		path_put(p);
	return error;
}

struct inode *path_inode(u64 dirfd, u64 user_path, u32 flags)
{
	struct path_argument p;
	struct inode *inode;
	int error = path_get(&p, dirfd, user_path, flags & AT_EMPTY_PATH);

	if (error)
		return ERR_PTR(error);
	if (!p.text[0] && p.at)
		inode = inode_of(p.at);
	else
		inode = vfs_lookup(p.at, p.text[0] ? p.text : ".", flags & AT_SYMLINK_NOFOLLOW);
	path_put(&p);
	return inode;
}

/* --- Opening ---------------------------------------------------------------------------------- */

static long open_path(struct path_argument *p, u32 flags, u32 mode)
{
	int error = MIN(fd_install(NULL, 0, false), 0); /* before it makes or truncates a file */
	struct file *f = error ? ERR_PTR(error) : vfs_open(p->at, p->text, flags, mode);

	return IS_ERR(f) ? PTR_ERR(f) : fd_install(f, 0, flags & O_CLOEXEC);
}

CALL(openat, WITH_PATH(a, b, open_path(&p, (u32)c & ~(u32)O_EXEC, (u32)d & 07777)))
CALL(open, sys_openat(AT_CWD, a, b, c, 0, 0))
CALL(creat, sys_openat(AT_CWD, a, O_CREAT | O_WRONLY | O_TRUNC, b, 0, 0))

/* --- Making and removing names ---------------------------------------------------------------- */

CALL(mkdirat, WITH_PATH(a, b, vfs_create(p.at, p.text, S_IFDIR | ((u32)c & 01777), 0)))
CALL(mkdir, sys_mkdirat(AT_CWD, a, b, 0, 0, 0))

/* A short path needs no memory: the call frees some. */
SYSCALL3(unlinkat, dirfd, path, flags)
{
	if (flags & ~(u64)AT_REMOVEDIR)
		return -EINVAL;
	return WITH_PATH(dirfd, path, vfs_unlink(p.at, p.text, flags));
}

CALL(unlink, sys_unlinkat(AT_CWD, a, 0, 0, 0, 0))
CALL(rmdir, sys_unlinkat(AT_CWD, a, AT_REMOVEDIR, 0, 0, 0))

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
	cwd = inode_of(fs->cwd);
	mutex_unlock(&fs->lock);
	n = vfs_path_of(cwd, text, PATH_MAX);
	inode_put(cwd);
	if (n >= 0 && (u64)++n > size)
		n = -ERANGE;
	else if (n >= 0 && copy_to_user((void *)buffer, text, (size_t)n))
		n = -EFAULT;
	kfree(text);
	return n;
}

static long change_directory(struct inode *inode)
{
	struct fs_context *fs = current_process()->fs;

	if (!S_ISDIR(inode->mode))
		return -ENOTDIR;
	if (may_access(inode, MAY_EXEC))
		return -EACCES;
	inode_get(inode);
	mutex_lock(&fs->lock);
	SWAP(fs->cwd, inode);
	mutex_unlock(&fs->lock);
	inode_put(inode);
	return 0;
}

CALL(chdir, WITH_INODE(path_inode(AT_CWD, a, 0), change_directory(inode)))
CALL(fchdir, WITH_INODE(fd_inode(a), change_directory(inode)))

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
