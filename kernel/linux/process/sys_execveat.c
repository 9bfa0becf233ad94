/* SPDX-License-Identifier: MIT
 *
 * execveat(2), by which fexecve(3) runs an open file.  As on Linux the program's path is
 * /dev/fd/N or /dev/fd/N/PATH, which is found through /proc.
 */
#include "kernel/lib/errno.h"
#include "kernel/lib/format.h"
#include "kernel/lib/string.h"
#include "kernel/mem/slab.h"
#include "kernel/proc/life.h"
#include "kernel/sys/calls.h"

#define PREFIX_SIZE 24 /* of "/dev/fd/" and a number, with the NUL */

/* Does the file that the path names exist, and may the flags name it? */
static long check(u64 dirfd, u64 user_path, u32 flags)
{
	struct inode *inode = path_inode(dirfd, user_path, flags);
	long error = 0;

	if (IS_ERR(inode))
		return PTR_ERR(inode);
	if (flags & AT_SYMLINK_NOFOLLOW && S_ISLNK(inode->mode))
		error = -ELOOP;
	inode_put(inode);
	return error;
}

/* "/dev/fd/N/text", or "/dev/fd/N" if the text is empty.  The caller frees it.  NULL: no memory. */
static char *path_below(u32 fd, const char *text)
{
	size_t size = PREFIX_SIZE + strlen(text) + 1;
	char *path = kmalloc(size);

	if (path)
		snprintf(path, size, *text ? "/dev/fd/%u/%s" : "/dev/fd/%u", fd, text);
	return path;
}

SYSCALL5(execveat, dirfd, user_path, argv, envp, flags)
{
	char *text, *path = NULL;
	long error;

	if ((u32)flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
		return -EINVAL;
	error = check(dirfd, user_path, (u32)flags);
	if (error)
		return error;
	text = string_get(user_path);
	if (IS_ERR(text))
		return PTR_ERR(text);
	if (!*text && (s32)dirfd == AT_FDCWD) {
		error = -EACCES; /* a directory */
	} else if (*text != '/' && (s32)dirfd != AT_FDCWD) {
		path = path_below((u32)dirfd, text);
		error = path ? 0 : -ENOMEM;
	}
	if (!error)
		error = process_exec(path ? path : text, argv, envp, false);
	kfree(path);
	kfree(text);
	return error;
}
