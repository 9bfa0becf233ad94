/* SPDX-License-Identifier: MIT
 *
 * Changing the mode and the owner of files.
 */
#include "kernel/lib/errno.h"
#include "kernel/linux/attributes/now.h"
#include "kernel/linux/rights.h"
#include "kernel/sys/calls.h"

/* chmod(2): the set-group-ID bit is only for members of the group. */
static long change_mode(struct inode *inode, u64 mode)
{
	bool allowed;

	mutex_lock(&inode->lock);
	allowed = is_owner(inode);
	if (allowed) {
		if (!is_member(inode->gid) && !capable(CAP_FSETID))
			mode &= ~02000UL;
		WRITE_ONCE(inode->mode, (inode->mode & S_IFMT) | ((u32)mode & 07777));
		inode->ctime = realtime_now();
	}
	mutex_unlock(&inode->lock);
	return allowed ? 0 : -EPERM;
}

CALL(fchmod, WITH_FILE(a, change_mode(file->inode, b)))
CALL(fchmodat, WITH_INODE(path_inode(a, b, 0), change_mode(inode, c)))
CALL(chmod, sys_fchmodat(AT_CWD, a, b, 0, 0, 0))

/* chown(2): an id of -1 is not changed.  The file loses its set-id bits. */
static long change_owner(struct inode *inode, u64 uid, u64 gid)
{
	mutex_lock(&inode->lock);
	if (!may_give(inode, (u32)uid, (u32)gid)) {
		mutex_unlock(&inode->lock);
		return -EPERM;
	}
	if (!S_ISDIR(inode->mode))
		WRITE_ONCE(inode->mode, inode->mode & ~lost_set_id_bits(inode));
	if ((u32)uid != UINT32_MAX)
		inode->uid = (u32)uid;
	if ((u32)gid != UINT32_MAX)
		inode->gid = (u32)gid;
	inode->ctime = realtime_now();
	mutex_unlock(&inode->lock);
	return 0;
}

SYSCALL5(fchownat, dirfd, path, uid, gid, flags)
{
	if (flags & ~(u64)(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
		return -EINVAL;
	return WITH_INODE(path_inode(dirfd, path, (u32)flags), change_owner(inode, uid, gid));
}

CALL(chown, sys_fchownat(AT_CWD, a, b, c, 0, 0))
CALL(lchown, sys_fchownat(AT_CWD, a, b, c, AT_SYMLINK_NOFOLLOW, 0))
CALL(fchown, WITH_FILE(a, change_owner(file->inode, b, c)))
