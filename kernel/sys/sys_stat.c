/* SPDX-License-Identifier: MIT
 *
 * What is known of files, and changing it: stat, access, modes, owners, times.
 */
#include "arch/x86_64/clock.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/mem/page.h"
#include "kernel/sys/calls.h"

#define PIPEFS_MAGIC 0x50495045 /* statfs(2): what an anonymous file says */

#define AT_EACCESS   0x200

#define UTIME_NOW    0x3fffffff
#define UTIME_OMIT   0x3ffffffe

/* --- stat ------------------------------------------------------------------------------------- */

static long put_stat(struct inode *inode, u64 user)
{
	struct stat st;
	int error = vfs_stat(inode, &st);

	if (error)
		return error;
	return copy_to_user((void *)user, &st, sizeof(st));
}

SYSCALL2(stat, path, st)
{
	return WITH_INODE(path_inode(AT_FDCWD, path, 0), put_stat(inode, st));
}

SYSCALL2(lstat, path, st)
{
	return WITH_INODE(path_inode(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW), put_stat(inode, st));
}

SYSCALL2(fstat, fd, st)
{
	return WITH_INODE(fd_inode((u32)fd), put_stat(inode, st));
}

#define AT_NO_AUTOMOUNT	   0x800
#define AT_STATX_SYNC_TYPE 0x6000

SYSCALL4(newfstatat, dirfd, path, st, flags)
{
	if (flags & ~(u64)(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT))
		return -EINVAL;
	return WITH_INODE(path_inode((int)dirfd, path, (u32)flags), put_stat(inode, st));
}

struct statx_time {
	s64 seconds;
	u32 nanoseconds, pad;
};

struct statx { /* of the ABI, 256 bytes */
	u32 mask, blksize;
	u64 attributes;
	u32 nlink, uid, gid;
	u16 mode, pad;
	u64 ino, size, blocks, attributes_mask;
	struct statx_time atime, btime, ctime, mtime;
	u32 rdev_major, rdev_minor, dev_major, dev_minor;
	u64 rest[14];
};

static struct statx_time statx_time_of(struct timespec t)
{
	return (struct statx_time){t.seconds, (u32)t.nanoseconds, 0};
}

static long put_statx(struct inode *inode, u64 user)
{
	struct stat st;
	struct statx x;
	int error = vfs_stat(inode, &st);

	if (error)
		return error;
	x = (struct statx){
	    .mask = 0x7ff, /* STATX_BASIC_STATS */
	    .blksize = (u32)st.st_blksize,
	    .nlink = (u32)st.st_nlink,
	    .uid = st.st_uid,
	    .gid = st.st_gid,
	    .mode = (u16)st.st_mode,
	    .ino = st.st_ino,
	    .size = (u64)st.st_size,
	    .blocks = (u64)st.st_blocks,
	    .atime = statx_time_of(st.st_atime),
	    .ctime = statx_time_of(st.st_ctime),
	    .mtime = statx_time_of(st.st_mtime),
	    .rdev_major = (u32)(st.st_rdev >> 8 & 0xfff),
	    .rdev_minor = (u32)((st.st_rdev & 0xff) | (st.st_rdev >> 12 & 0xfff00)),
	    .dev_major = (u32)(st.st_dev >> 8 & 0xfff),
	    .dev_minor = (u32)(st.st_dev & 0xff),
	};
	return copy_to_user((void *)user, &x, sizeof(x));
}

SYSCALL5(statx, dirfd, path, flags, mask, user)
{
	if (mask >> 31 & 1 || (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE ||
	    flags &
		~(u64)(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_SYNC_TYPE))
		return -EINVAL;
	return WITH_INODE(path_inode((int)dirfd, path, (u32)flags), put_statx(inode, user));
}

/* struct statfs of the ABI, 120 bytes. */
struct statfs {
	u64 type, bsize, blocks, bfree, bavail, files, ffree, fsid, namelen, frsize, flags;
	u64 spare[4];
};

static long put_statfs(struct inode *inode, u64 user)
{
	struct page_stats pages;
	struct statfs s;

	page_stats_read(&pages);
	s = (struct statfs){
	    .type = inode->sb ? inode->sb->magic : PIPEFS_MAGIC,
	    .bsize = PAGE_SIZE,
	    .blocks = pages.total,
	    .bfree = pages.free,
	    .bavail = pages.free,
	    .files = pages.total,
	    .ffree = pages.free,
	    .fsid = inode->sb ? inode->sb->device : 0,
	    .namelen = NAME_MAX,
	    .frsize = PAGE_SIZE,
	};
	return copy_to_user((void *)user, &s, sizeof(s));
}

SYSCALL2(statfs, path, user)
{
	return WITH_INODE(path_inode(AT_FDCWD, path, 0), put_statfs(inode, user));
}

SYSCALL2(fstatfs, fd, user)
{
	return WITH_INODE(fd_inode((u32)fd), put_statfs(inode, user));
}

/* --- access ----------------------------------------------------------------------------------- */

/* Root may read and write everything, and execute what anybody may. */
static long check_access(struct inode *inode, u32 mode)
{
	return mode & 1 && !S_ISDIR(inode->mode) && !(inode->mode & 0111) ? -EACCES : 0;
}

static long access_at(u64 dirfd, u64 path, u64 mode, u64 flags)
{
	if (mode & ~7UL || flags & ~(u64)(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	return WITH_INODE(path_inode((int)dirfd, path, (u32)flags), check_access(inode, (u32)mode));
}

SYSCALL3(faccessat, dirfd, path, mode)
{
	return access_at(dirfd, path, (u32)mode, 0);
}

FORWARD_AT(access, faccessat)

SYSCALL4(faccessat2, dirfd, path, mode, flags)
{
	return access_at(dirfd, path, (u32)mode, (u32)flags);
}

/* --- mode and owner --------------------------------------------------------------------------- */

static struct timespec realtime_now(void)
{
	return timespec_of(clock_realtime_ns());
}

static long change_mode(struct inode *inode, u64 mode)
{
	mutex_lock(&inode->lock);
	WRITE_ONCE(inode->mode, (inode->mode & S_IFMT) | ((u32)mode & 07777));
	inode->ctime = realtime_now();
	mutex_unlock(&inode->lock);
	return 0;
}

SYSCALL2(fchmod, fd, mode)
{
	return WITH_INODE(fd_inode((u32)fd), change_mode(inode, mode));
}

SYSCALL3(fchmodat, dirfd, path, mode)
{
	return WITH_INODE(path_inode((int)dirfd, path, 0), change_mode(inode, mode));
}

FORWARD_AT(chmod, fchmodat)

/* chown(2): -1 leaves an id as it is; the set-id bits of what can be executed go. */
static long change_owner(struct inode *inode, u64 uid, u64 gid)
{
	mutex_lock(&inode->lock);
	if ((u32)uid != UINT32_MAX)
		inode->uid = (u32)uid;
	if ((u32)gid != UINT32_MAX)
		inode->gid = (u32)gid;
	if (S_ISREG(inode->mode) && inode->mode & 0111)
		WRITE_ONCE(inode->mode, inode->mode & ~06000U);
	inode->ctime = realtime_now();
	mutex_unlock(&inode->lock);
	return 0;
}

SYSCALL3(chown, path, uid, gid)
{
	return WITH_INODE(path_inode(AT_FDCWD, path, 0), change_owner(inode, uid, gid));
}

SYSCALL3(lchown, path, uid, gid)
{
	return WITH_INODE(path_inode(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW),
			  change_owner(inode, uid, gid));
}

SYSCALL3(fchown, fd, uid, gid)
{
	return WITH_INODE(fd_inode((u32)fd), change_owner(inode, uid, gid));
}

SYSCALL5(fchownat, dirfd, path, uid, gid, flags)
{
	if (flags & ~(u64)(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
		return -EINVAL;
	return WITH_INODE(path_inode((int)dirfd, path, (u32)flags), change_owner(inode, uid, gid));
}

/* --- times ------------------------------------------------------------------------------------ */

/* times[0]: access, times[1]: modification; their nanoseconds may be UTIME_NOW or UTIME_OMIT. */
static long change_times(struct inode *inode, const struct timespec times[2])
{
	struct timespec now = realtime_now();

	mutex_lock(&inode->lock);
	if (times[0].nanoseconds != UTIME_OMIT)
		inode->atime = times[0].nanoseconds == UTIME_NOW ? now : times[0];
	if (times[1].nanoseconds != UTIME_OMIT)
		inode->mtime = times[1].nanoseconds == UTIME_NOW ? now : times[1];
	inode->ctime = now;
	mutex_unlock(&inode->lock);
	return 0;
}

/* `path` NULL: of the descriptor itself. */
static long times_at(u64 dirfd, u64 path, const struct timespec times[2], u64 flags)
{
	if (flags & ~(u64)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (!path && (int)dirfd != AT_FDCWD)
		return WITH_INODE(fd_inode((u32)dirfd), change_times(inode, times));
	return WITH_INODE(path_inode((int)dirfd, path, (u32)flags), change_times(inode, times));
}

static const struct timespec times_now[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}};

SYSCALL4(utimensat, dirfd, path, user, flags)
{
	struct timespec times[2];

	if (!user)
		return times_at(dirfd, path, times_now, flags);
	if (copy_from_user(times, (void *)user, sizeof(times)))
		return -EFAULT;
	for (u32 i = 0; i < 2; i++)
		if ((u64)times[i].nanoseconds >= NSEC_PER_SEC &&
		    times[i].nanoseconds != UTIME_NOW && times[i].nanoseconds != UTIME_OMIT)
			return -EINVAL;
	if (times[0].nanoseconds == UTIME_OMIT && times[1].nanoseconds == UTIME_OMIT)
		return 0;
	return times_at(dirfd, path, times, flags);
}

/* Two struct timeval. */
SYSCALL3(futimesat, dirfd, path, user)
{
	struct timeval values[2];
	struct timespec times[2];

	if (!user)
		return times_at(dirfd, path, times_now, 0);
	if (copy_from_user(values, (void *)user, sizeof(values)))
		return -EFAULT;
	for (u32 i = 0; i < 2; i++) {
		if ((u64)values[i].microseconds >= 1000000)
			return -EINVAL;
		times[i].seconds = values[i].seconds;
		times[i].nanoseconds = values[i].microseconds * 1000;
	}
	return times_at(dirfd, path, times, 0);
}

FORWARD_AT(utimes, futimesat)

SYSCALL2(utime, path, user)
{
	struct timespec times[2] = {{0}};
	s64 seconds[2];

	if (!user)
		return times_at((u64)AT_FDCWD, path, times_now, 0);
	if (copy_from_user(seconds, (void *)user, sizeof(seconds)))
		return -EFAULT;
	times[0].seconds = seconds[0];
	times[1].seconds = seconds[1];
	return times_at((u64)AT_FDCWD, path, times, 0);
}
