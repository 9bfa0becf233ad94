/* SPDX-License-Identifier: MIT
 *
 * What programs ask of files: stat(), access().
 */
#include "kernel/lib/errno.h"
#include "kernel/sys/calls.h"

#define AT_EACCESS 0x200

/* --- stat ------------------------------------------------------------------------------------- */

static long put_stat(struct inode *inode, u64 user)
{
	struct stat st = vfs_stat(inode);

	return copy_to_user((void *)user, &st, sizeof(st));
}

#define AT_NO_AUTOMOUNT 0x800

SYSCALL4(newfstatat, dirfd, path, st, flags)
{
	if (flags & ~(u64)(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT))
		return -EINVAL;
	return WITH_INODE(path_inode(dirfd, path, (u32)flags), put_stat(inode, st));
}

CALL(stat, sys_newfstatat(AT_CWD, a, b, 0, 0, 0))
CALL(lstat, sys_newfstatat(AT_CWD, a, b, AT_SYMLINK_NOFOLLOW, 0, 0))
CALL(fstat, WITH_INODE(fd_inode(a), put_stat(inode, b)))

/* --- access ----------------------------------------------------------------------------------- */

SYSCALL4(faccessat2, dirfd, path, mode, flags)
{
	long result;

	if ((u32)mode & ~7U || flags & ~(u64)(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (!(flags & AT_EACCESS))
		use_real_ids(true);
	result = WITH_INODE(path_inode(dirfd, path, (u32)flags), may_access(inode, (u32)mode));
	if (!(flags & AT_EACCESS))
		use_real_ids(false);
	return result;
}

CALL(faccessat, sys_faccessat2(a, b, c, 0, 0, 0))
CALL(access, sys_faccessat2(AT_CWD, a, b, 0, 0, 0))
