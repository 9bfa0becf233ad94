/* SPDX-License-Identifier: MIT
 *
 * statx(2).
 */
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/sys/calls.h"

#define AT_NO_AUTOMOUNT	      0x800
#define AT_STATX_SYNC_TYPE    0x6000
#define STATX_BASIC_STATS     0x7ff
#define STATX_RESERVED	      0x80000000U
#define STATX_ATTR_MOUNT_ROOT 0x2000

struct statx_time {
	s64 seconds;
	u32 nanoseconds, spare;
};

/* struct statx of the ABI, 256 bytes. */
struct statx {
	u32 mask, blksize;
	u64 attributes;
	u32 nlink, uid, gid;
	u16 mode, spare0;
	u64 ino, size, blocks, attributes_mask;
	struct statx_time atime, btime, ctime, mtime;
	u32 rdev_major, rdev_minor, dev_major, dev_minor;
	u64 spare[14];
};
_Static_assert(sizeof(struct statx) == 256, "layout of the ABI");

static struct statx_time time_of(struct timespec t)
{
	return (struct statx_time){t.seconds, (u32)t.nanoseconds, 0};
}

static u32 major_of(u64 device)
{
	return (u32)(device >> 8 & 0xfff);
}

static u32 minor_of(u64 device)
{
	return (u32)((device & 0xff) | (device >> 12 & 0xfff00));
}

static long put_statx(struct inode *inode, u64 user)
{
	bool mount_root = inode == inode->sb->root;
	struct stat st = vfs_stat(inode);
	struct statx sx = {
	    .mask = STATX_BASIC_STATS,
	    .blksize = (u32)st.st_blksize,
	    .attributes = mount_root ? STATX_ATTR_MOUNT_ROOT : 0,
	    .attributes_mask = STATX_ATTR_MOUNT_ROOT,
	    .nlink = (u32)st.st_nlink,
	    .uid = st.st_uid,
	    .gid = st.st_gid,
	    .mode = (u16)st.st_mode,
	    .ino = st.st_ino,
	    .size = (u64)st.st_size,
	    .blocks = (u64)st.st_blocks,
	    .atime = time_of(st.st_atime),
	    .ctime = time_of(st.st_ctime),
	    .mtime = time_of(st.st_mtime),
	    .rdev_major = major_of(st.st_rdev),
	    .rdev_minor = minor_of(st.st_rdev),
	    .dev_major = major_of(st.st_dev),
	    .dev_minor = minor_of(st.st_dev),
	};

	return copy_to_user((void *)user, &sx, sizeof(sx));
}

SYSCALL5(statx, dirfd, path, flags, mask, user)
{
	u64 known = AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_SYNC_TYPE;

	if ((u32)mask & STATX_RESERVED || (u32)flags & ~known ||
	    ((u32)flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE)
		return -EINVAL;
	return WITH_INODE(path_inode(dirfd, path, (u32)flags), put_statx(inode, user));
}
