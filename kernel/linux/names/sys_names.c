/* SPDX-License-Identifier: MIT
 *
 * Calls that give files names: rename(), link(), symlink(), mknod().
 */
#include "kernel/lib/errno.h"
#include "kernel/linux/names/names.h"
#include "kernel/mem/slab.h"
#include "kernel/sys/calls.h"

/* Call `fn`, which is rename() or link(), with two paths from the user. */
static long with_two(u64 old_fd, u64 old_path, u64 new_fd, u64 new_path, u32 flags,
		     int (*fn)(struct inode *old_at, const char *old_path, struct inode *new_at,
			       const char *new_path, u32 flags))
{
	struct path_argument from, to;
	long error = path_get(&to, new_fd, new_path, false);

	if (error)
		return error;
	error = path_get(&from, old_fd, old_path, flags & AT_EMPTY_PATH);
	if (!error) {
		error = fn(from.at, from.text, to.at, to.text, flags);
		path_put(&from);
	}
	path_put(&to);
	return error;
}

SYSCALL5(renameat2, old_fd, old_path, new_fd, new_path, flags)
{
	if (flags & ~(u64)(RENAME_NOREPLACE | RENAME_EXCHANGE) ||
	    flags == (RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	return with_two(old_fd, old_path, new_fd, new_path, (u32)flags, vfs_rename);
}

CALL(renameat, sys_renameat2(a, b, c, d, 0, 0))
CALL(rename, sys_renameat2(AT_CWD, a, AT_CWD, b, 0, 0))

SYSCALL5(linkat, old_fd, old_path, new_fd, new_path, flags)
{
	if (flags & ~(u64)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	return with_two(old_fd, old_path, new_fd, new_path, (u32)flags, vfs_link);
}

CALL(link, sys_linkat(AT_CWD, a, AT_CWD, b, 0, 0))

SYSCALL3(symlinkat, target, dirfd, path)
{
	char *text = string_get(target);
	long error;

	if (IS_ERR(text))
		return PTR_ERR(text);
	error = text[0] ? WITH_PATH(dirfd, path, vfs_symlink(p.at, p.text, text)) : -ENOENT;
	kfree(text);
	return error;
}

CALL(symlink, sys_symlinkat(a, AT_CWD, b, 0, 0, 0))

SYSCALL4(mknodat, dirfd, path, mode, device)
{
	u32 type = (u32)mode & S_IFMT ?: S_IFREG;

	if (type == S_IFDIR || ((S_ISCHR(type) || type == S_IFBLK) && !capable(CAP_MKNOD)))
		return -EPERM;
	if (!S_ISREG(type) && !S_ISFIFO(type) && type != S_IFSOCK && !S_ISCHR(type) &&
	    type != S_IFBLK)
		return -EINVAL;
	/* In the device number of the ABI, the upper bits of the minor lie above the major. */
	device = MAKEDEV((u32)device >> 8 & 0xfff, (device & 0xff) | ((u32)device >> 12 & 0xfff00));
	return WITH_PATH(dirfd, path, vfs_create(p.at, p.text, type | ((u32)mode & 07777), device));
}

CALL(mknod, sys_mknodat(AT_CWD, a, b, c, 0, 0))
