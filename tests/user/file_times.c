/* SPDX-License-Identifier: MIT
 *
 * The calls that set the times of a file: utimensat(), futimesat(), utimes() and utime(). The C
 * library uses the first only.
 */
#include <sys/time.h>
#include <utime.h>

#include "check.h"

static struct stat of(const char *path)
{
	struct stat s = {0};

	CHECK_EQ(lstat(path, &s), 0);
	return s;
}

static long older(long number, const char *path, const void *times)
{
	return number == SYS_futimesat ? syscall(number, AT_FDCWD, path, times)
				       : syscall(number, path, times);
}

static void microseconds(void)
{
	static const long calls[] = {SYS_futimesat, SYS_utimes};
	struct timeval times[2] = {{1000, 999999}, {2000, 1}};
	struct timeval bad[2] = {{1000, 0}, {2000, 1000000}}, negative[2] = {{1, -1}, {2, 0}};

	for (size_t i = 0; i < COUNT_OF(calls); i++) {
		MUST(close(creat("file", 0600)));
		CHECK_EQ(older(calls[i], "file", times), 0);
		CHECK_EQ(of("file").st_atim.tv_sec, 1000);
		CHECK_EQ(of("file").st_atim.tv_nsec, 999999000);
		CHECK_EQ(of("file").st_mtim.tv_sec, 2000);
		CHECK_EQ(of("file").st_mtim.tv_nsec, 1000);
		CHECK(of("file").st_ctim.tv_sec > 2000);
		CHECK_ERR(older(calls[i], "file", bad), EINVAL);
		CHECK_ERR(older(calls[i], "file", negative), EINVAL);
		CHECK_ERR(older(calls[i], "file", BAD), EFAULT);
		CHECK_ERR(older(calls[i], "none", times), ENOENT);
		CHECK_EQ(of("file").st_mtim.tv_sec, 2000);
		CHECK_EQ(older(calls[i], "file", NULL), 0); /* now */
		CHECK(of("file").st_mtim.tv_sec > 2000);
		CHECK(of("file").st_atim.tv_sec > 1000);
		unlink("file");
	}
}

static void seconds(void)
{
	struct utimbuf times = {1000, 2000};

	MUST(close(creat("file", 0600)));
	CHECK_EQ(older(SYS_utime, "file", &times), 0);
	CHECK_EQ(of("file").st_atim.tv_sec, 1000);
	CHECK_EQ(of("file").st_mtim.tv_sec, 2000);
	CHECK_EQ(of("file").st_mtim.tv_nsec, 0);
	CHECK_EQ(older(SYS_utime, "file", NULL), 0);
	CHECK(of("file").st_mtim.tv_sec > 2000);
	CHECK_ERR(older(SYS_utime, "file", BAD), EFAULT);
	CHECK_ERR(older(SYS_utime, "none", &times), ENOENT);
	CHECK_ERR(older(SYS_utime, BAD, &times), EFAULT);
	unlink("file");
}

/* A symbolic link is followed, and futimesat() takes a directory, or the file itself. */
static void what_is_changed(void)
{
	struct timeval times[2] = {{1000, 0}, {2000, 0}};
	int dir, fd;

	MUST(mkdir("dir", 0700));
	dir = MUST(open("dir", O_RDONLY | O_DIRECTORY));
	fd = MUST(open("dir/file", O_CREAT | O_RDWR, 0600));
	MUST(symlink("dir/file", "link"));
	CHECK_EQ(syscall(SYS_utimes, "link", times), 0);
	CHECK_EQ(of("dir/file").st_mtim.tv_sec, 2000);
	CHECK(of("link").st_mtim.tv_sec > 2000);
	times[1].tv_sec = 3000;
	CHECK_EQ(syscall(SYS_futimesat, dir, "file", times), 0);
	CHECK_EQ(of("dir/file").st_mtim.tv_sec, 3000);
	times[1].tv_sec = 4000;
	CHECK_EQ(syscall(SYS_futimesat, fd, NULL, times), 0);
	CHECK_EQ(of("dir/file").st_mtim.tv_sec, 4000);
	CHECK_ERR(syscall(SYS_futimesat, fd, "file", times), ENOTDIR);
	CHECK_ERR(syscall(SYS_futimesat, 999, NULL, times), EBADF);
	CHECK_ERR(syscall(SYS_futimesat, AT_FDCWD, NULL, times), EFAULT);
	CHECK_ERR(syscall(SYS_utimensat, fd, NULL, NULL, AT_SYMLINK_NOFOLLOW), EINVAL);
	close(dir);
	close(fd);
	unlink("link");
	unlink("dir/file");
	rmdir("dir");
}

static void rights(void)
{
	struct timeval times[2] = {{1000, 0}, {2000, 0}};

	MUST(close(creat("file", 0600)));
	MUST(chmod(".", 0755));
	CHECK_EQ(IN_CHILD(MUST(setuid(54321)); CHECK_ERR(syscall(SYS_utimes, "file", times), EPERM);
			  CHECK_ERR(syscall(SYS_utimes, "file", NULL), EACCES);
			  CHECK_ERR(syscall(SYS_utime, "file", NULL), EACCES)),
		 0);
	MUST(chmod("file", 0666));
	CHECK_EQ(IN_CHILD(MUST(setuid(54321)); CHECK_ERR(syscall(SYS_utimes, "file", times), EPERM);
			  CHECK_EQ(syscall(SYS_utimes, "file", NULL), 0)),
		 0);
	unlink("file");
}

int main(void)
{
	check_start_in_directory();
	RUN(microseconds);
	RUN(seconds);
	RUN(what_is_changed);
	RUN(rights);
	return check_end();
}
