/* SPDX-License-Identifier: MIT
 *
 * statx(), extended attributes where a file system has none, and calls that advise or flush.
 */
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "check.h"

/* The structure of the ABI, as far as it is looked at. */
struct statx_time {
	int64_t seconds;
	uint32_t nanoseconds;
	int32_t spare;
};

struct file_status {
	uint32_t mask, blksize;
	uint64_t attributes;
	uint32_t nlink, uid, gid;
	uint16_t mode, spare;
	uint64_t ino, size, blocks, attributes_mask;
	struct statx_time atime, btime, ctime, mtime;
	uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
	uint64_t more[14];
};

static struct file_status s;

static long status(int dirfd, const char *path, int flags, unsigned mask)
{
	memset(&s, 0x55, sizeof(s));
	return syscall(SYS_statx, dirfd, path, flags, mask, &s);
}

static void compare(const struct stat *st)
{
	CHECK_EQ(sizeof(s), 256);
	CHECK_EQ(s.mask & 0x7ff, 0x7ff);
	CHECK_EQ(s.blksize, st->st_blksize);
	CHECK_EQ(s.nlink, st->st_nlink);
	CHECK_EQ(s.uid, st->st_uid);
	CHECK_EQ(s.gid, st->st_gid);
	CHECK_EQ(s.mode, st->st_mode);
	CHECK_EQ(s.ino, st->st_ino);
	CHECK_EQ(s.size, st->st_size);
	CHECK_EQ(s.blocks, st->st_blocks);
	CHECK_EQ(s.atime.seconds, st->st_atim.tv_sec);
	CHECK_EQ(s.atime.nanoseconds, st->st_atim.tv_nsec);
	CHECK_EQ(s.mtime.seconds, st->st_mtim.tv_sec);
	CHECK_EQ(s.mtime.nanoseconds, st->st_mtim.tv_nsec);
	CHECK_EQ(s.ctime.seconds, st->st_ctim.tv_sec);
	CHECK_EQ(s.ctime.nanoseconds, st->st_ctim.tv_nsec);
	CHECK_EQ(s.rdev_major, major(st->st_rdev));
	CHECK_EQ(s.rdev_minor, minor(st->st_rdev));
	CHECK_EQ(s.dev_major, major(st->st_dev));
	CHECK_EQ(s.dev_minor, minor(st->st_dev));
	CHECK_EQ(s.spare, 0);
}

static void like_stat(void)
{
	struct stat st;
	int fd;

	fd = MUST(open("file", O_RDWR | O_CREAT, 0640));
	CHECK_EQ(write(fd, "12345", 5), 5);
	MUST(link("file", "hard"));
	MUST(symlink("file", "link"));
	MUST(fstat(fd, &st));
	CHECK_EQ(status(AT_FDCWD, "file", 0, 0x7ff), 0);
	compare(&st);
	CHECK_EQ(status(fd, "", AT_EMPTY_PATH, 0x7ff), 0);
	compare(&st);
	CHECK_EQ(status(AT_FDCWD, "link", 0, 0x7ff), 0);
	compare(&st);
	MUST(lstat("link", &st));
	CHECK_EQ(status(AT_FDCWD, "link", AT_SYMLINK_NOFOLLOW, 0x7ff), 0);
	compare(&st);
	MUST(stat("/dev/null", &st));
	CHECK_EQ(status(AT_FDCWD, "/dev/null", 0x2000, 0), 0); /* AT_STATX_FORCE_SYNC */
	compare(&st);
	MUST(stat(".", &st));
	CHECK_EQ(status(AT_FDCWD, "", AT_EMPTY_PATH, 0x7ff), 0);
	compare(&st);
	close(fd);
	MUST(unlink("hard"));
	MUST(unlink("link"));
}

static void statx_errors(void)
{
	CHECK_ERR(status(AT_FDCWD, "none", 0, 0x7ff), ENOENT);
	CHECK_ERR(status(AT_FDCWD, "", 0, 0x7ff), ENOENT);
	CHECK_ERR(status(AT_FDCWD, "file/x", 0, 0x7ff), ENOTDIR);
	CHECK_ERR(status(99, "file", 0, 0x7ff), EBADF);
	CHECK_ERR(status(AT_FDCWD, "file", 0x6000, 0x7ff), EINVAL);
	CHECK_ERR(status(AT_FDCWD, "file", 1, 0x7ff), EINVAL);
	CHECK_ERR(status(AT_FDCWD, "file", 0, 0x80000000U), EINVAL);
	CHECK_ERR(syscall(SYS_statx, AT_FDCWD, "file", 0, 0, BAD), EFAULT);
	CHECK_ERR(syscall(SYS_statx, AT_FDCWD, BAD, 0, 0, &s), EFAULT);
}

/* No file system of ours has attributes; that of the tests on Linux has none of this name. */
static void attributes(void)
{
	int fd = MUST(open("file", O_RDWR));
	char value[16], name[300];
	const char *odd = "nosuchclass.x";

	memset(name, 'n', sizeof(name));
	memcpy(name, "user.", 5);
	name[sizeof(name) - 1] = '\0';
	CHECK_ERR(getxattr("file", odd, value, sizeof(value)), EOPNOTSUPP);
	CHECK_ERR(lgetxattr("file", odd, value, sizeof(value)), EOPNOTSUPP);
	CHECK_ERR(fgetxattr(fd, odd, value, sizeof(value)), EOPNOTSUPP);
	CHECK_ERR(setxattr("file", odd, "v", 1, 0), EOPNOTSUPP);
	CHECK_ERR(lsetxattr("file", odd, "v", 1, 0), EOPNOTSUPP);
	CHECK_ERR(fsetxattr(fd, odd, "v", 1, XATTR_CREATE), EOPNOTSUPP);
	CHECK_ERR(removexattr("file", odd), EOPNOTSUPP);
	CHECK_ERR(lremovexattr("file", odd), EOPNOTSUPP);
	CHECK_ERR(fremovexattr(fd, odd), EOPNOTSUPP);
	CHECK_EQ(listxattr("file", value, sizeof(value)), 0);
	CHECK_EQ(llistxattr("file", NULL, 0), 0);
	CHECK_EQ(flistxattr(fd, value, sizeof(value)), 0);
	CHECK_ERR(setxattr("file", odd, "v", 1, 4), EINVAL);
	CHECK_ERR(setxattr("file", "", "v", 1, 0), ERANGE);
	CHECK_ERR(setxattr("file", name, "v", 1, 0), ERANGE);
	CHECK_ERR(getxattr("file", name, value, 1), ERANGE);
	CHECK_ERR(setxattr("file", odd, "v", 65537, 0), E2BIG);
	CHECK_ERR(setxattr("file", odd, BAD, 1, 0), EFAULT);
	CHECK_ERR(setxattr("file", BAD, "v", 1, 0), EFAULT);
	CHECK_ERR(getxattr("none", odd, value, 1), ENOENT);
	CHECK_ERR(listxattr("none", value, 1), ENOENT);
	CHECK_ERR(fgetxattr(99, odd, value, 1), EBADF);
	CHECK_ERR(fsetxattr(99, odd, value, 1, 0), EBADF);
	CHECK_ERR(fremovexattr(99, odd), EBADF);
	CHECK_ERR(flistxattr(99, value, 1), EBADF);
	close(fd);
}

static void advice(void)
{
	int fd = MUST(open("file", O_RDWR)), writer = MUST(open("file", O_WRONLY)), p[2];

	MUST(pipe(p));
	for (int kind = 0; kind < 6; kind++)
		CHECK_EQ(posix_fadvise(fd, 0, 0, kind), 0);
	CHECK_EQ(posix_fadvise(fd, 0, 0, 6), EINVAL);
	CHECK_EQ(posix_fadvise(fd, 0, -1, 0), EINVAL);
	CHECK_EQ(posix_fadvise(p[0], 0, 0, 0), ESPIPE);
	CHECK_EQ(posix_fadvise(99, 0, 0, 0), EBADF);
	CHECK_EQ(readahead(fd, 0, 4096), 0);
	CHECK_ERR(readahead(writer, 0, 4096), EBADF);
	CHECK_ERR(readahead(p[0], 0, 4096), EINVAL);
	CHECK_ERR(readahead(99, 0, 4096), EBADF);
	CHECK_EQ(sync_file_range(fd, 0, 0, 7), 0);
	CHECK_ERR(sync_file_range(fd, 0, 0, 8), EINVAL);
	CHECK_ERR(sync_file_range(fd, -1, 0, 0), EINVAL);
	CHECK_ERR(sync_file_range(fd, 0, -1, 0), EINVAL);
	CHECK_ERR(sync_file_range(p[0], 0, 0, 0), ESPIPE);
	CHECK_ERR(sync_file_range(99, 0, 0, 0), EBADF);
	CHECK_EQ(syncfs(fd), 0);
	CHECK_EQ(syncfs(p[1]), 0);
	CHECK_ERR(syncfs(99), EBADF);
	close(fd);
	close(writer);
	close(p[0]);
	close(p[1]);
}

int main(void)
{
	check_start_in_directory();
	RUN(like_stat);
	RUN(statx_errors);
	RUN(attributes);
	RUN(advice);
	return check_end();
}
