/* SPDX-License-Identifier: MIT
 *
 * Changing the times of files: utimensat(), and the calls that programs used before it.
 */
#include "kernel/lib/errno.h"
#include "kernel/linux/attributes/now.h"
#include "kernel/linux/rights.h"
#include "kernel/sys/calls.h"

#define UTIME_NOW  0x3fffffff
#define UTIME_OMIT 0x3ffffffe
#define NOW	   ((struct timespec){0, UTIME_NOW})

/* times[0]: access, times[1]: modification; their nanoseconds may be UTIME_NOW or UTIME_OMIT. */
static long change_times(struct inode *inode, const struct timespec times[2])
{
	bool now_both = times[0].nanoseconds == UTIME_NOW && times[1].nanoseconds == UTIME_NOW;
	struct timespec now = realtime_now();

	if (!is_owner(inode) && (!now_both || may_access(inode, MAY_WRITE)))
		return now_both ? -EACCES : -EPERM;
	mutex_lock(&inode->lock);
	if (times[0].nanoseconds != UTIME_OMIT)
		inode->atime = times[0].nanoseconds == UTIME_NOW ? now : times[0];
	if (times[1].nanoseconds != UTIME_OMIT)
		inode->mtime = times[1].nanoseconds == UTIME_NOW ? now : times[1];
	inode->ctime = now;
	mutex_unlock(&inode->lock);
	return 0;
}

/* Change the times of what the path names, or of the open file `dirfd` if `path` is 0. */
static long set_times(u64 dirfd, u64 path, u64 flags, const struct timespec times[2])
{
	if (!path && (int)dirfd != AT_FDCWD)
		return flags ? -EINVAL : WITH_FILE(dirfd, change_times(file->inode, times));
	return WITH_INODE(path_inode(dirfd, path, (u32)flags), change_times(inode, times));
}

SYSCALL4(utimensat, dirfd, path, user, flags)
{
	struct timespec times[2] = {NOW, NOW};

	if (user && copy_from_user(times, (void *)user, sizeof(times)))
		return -EFAULT;
	for (u32 i = 0; i < 2; i++)
		if ((u64)times[i].nanoseconds >= NSEC_PER_SEC &&
		    times[i].nanoseconds != UTIME_NOW && times[i].nanoseconds != UTIME_OMIT)
			return -EINVAL;
	if (times[0].nanoseconds == UTIME_OMIT && times[1].nanoseconds == UTIME_OMIT)
		return 0;
	if (flags & ~(u64)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	return set_times(dirfd, path, flags, times);
}

/* The older calls: microseconds (futimesat(2), utimes(2)) or seconds (utime(2)), and no symbolic
 * link is changed. */
SYSCALL3(futimesat, dirfd, path, user)
{
	struct timespec times[2] = {NOW, NOW};
	struct timeval given[2];

	if (user && copy_from_user(given, (void *)user, sizeof(given)))
		return -EFAULT;
	for (u32 i = 0; user && i < 2; i++) {
		if ((u64)given[i].microseconds >= NSEC_PER_SEC / NSEC_PER_USEC)
			return -EINVAL;
		times[i] =
		    (struct timespec){given[i].seconds, given[i].microseconds * (s64)NSEC_PER_USEC};
	}
	return set_times(dirfd, path, 0, times);
}

CALL(utimes, sys_futimesat(AT_CWD, a, b, 0, 0, 0))

SYSCALL2(utime, path, user)
{
	struct timespec times[2] = {NOW, NOW};
	s64 seconds[2];

	if (user && copy_from_user(seconds, (void *)user, sizeof(seconds)))
		return -EFAULT;
	for (u32 i = 0; user && i < 2; i++)
		times[i] = (struct timespec){seconds[i], 0};
	return set_times(AT_CWD, path, 0, times);
}
