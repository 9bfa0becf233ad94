/* SPDX-License-Identifier: MIT
 *
 * Names: link, unlink, rename, symlink, mkdir, getdents, stat.
 */
#include <dirent.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>

#include "check.h"

#define RENAME_NOREPLACE 1

static void touch(const char *path, mode_t mode)
{
	close(MUST(open(path, O_RDWR | O_CREAT, mode)));
	MUST(chmod(path, mode));
}

static long renameat2_(const char *from, const char *to, unsigned flags)
{
	return syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
}

static ino_t number(const char *path)
{
	struct stat s = {0};

	lstat(path, &s);
	return s.st_ino;
}

static void unlinking(void)
{
	struct stat s;
	char c[8];
	int fd;

	touch("u", 0644);
	MUST(mkdir("ud", 0755));
	CHECK_ERR(unlink("absent"), ENOENT);
	CHECK_ERR(unlink("ud"), EISDIR);
	CHECK_ERR(unlink("u/"), ENOTDIR);
	CHECK_ERR(unlink("u/x"), ENOTDIR);
	CHECK_ERR(unlink(BAD), EFAULT);
	CHECK_ERR(unlink(""), ENOENT);
	CHECK_ERR(unlinkat(AT_FDCWD, "u", 0x4000), EINVAL);
	CHECK_ERR(unlinkat(AT_FDCWD, "u", AT_REMOVEDIR), ENOTDIR);
	/* An open file lives on without a name. */
	fd = MUST(open("u", O_RDWR));
	CHECK_EQ(write(fd, "alive", 5), 5);
	CHECK_EQ(unlink("u"), 0);
	CHECK_ERR(open("u", O_RDONLY), ENOENT);
	CHECK_EQ(pread(fd, c, 8, 0), 5);
	CHECK_EQ(fstat(fd, &s), 0);
	CHECK_EQ(s.st_nlink, 0);
	close(fd);
	touch("ud/f", 0644);
	CHECK_ERR(rmdir("ud"), ENOTEMPTY);
	CHECK_EQ(unlink("ud/f"), 0);
	CHECK_ERR(rmdir("ud/."), EINVAL);
	CHECK_ERR(rmdir("absent"), ENOENT);
	CHECK_EQ(unlinkat(AT_FDCWD, "ud", AT_REMOVEDIR), 0);
	touch("f", 0644);
	CHECK_ERR(rmdir("f"), ENOTDIR);
	CHECK_ERR(rmdir("/"), EBUSY);
}

static void making(void)
{
	struct stat s;

	CHECK_EQ(mkdir("m", 0777), 0);
	CHECK_EQ(stat("m", &s), 0);
	CHECK_EQ(s.st_mode, S_IFDIR | 0755);
	CHECK_ERR(mkdir("m", 0777), EEXIST);
	CHECK_ERR(mkdir("m/a/b", 0777), ENOENT);
	touch("mf", 0644);
	CHECK_ERR(mkdir("mf/a", 0777), ENOTDIR);
	CHECK_ERR(mkdir("mf", 0777), EEXIST);
	CHECK_ERR(mkdir("", 0777), ENOENT);
	CHECK_ERR(mkdir("/", 0777), EEXIST);
	CHECK_ERR(mkdir(BAD, 0777), EFAULT);
	CHECK_EQ(mkdir("m/slash/", 0700), 0);
	CHECK_EQ(mknod("fifo", S_IFIFO | 0640, 0), 0);
	CHECK_EQ(stat("fifo", &s), 0);
	CHECK_EQ(s.st_mode, S_IFIFO | 0640);
	CHECK_ERR(mknod("fifo", S_IFIFO | 0640, 0), EEXIST);
	CHECK_EQ(mknod("nul", S_IFCHR | 0666, makedev(1, 3)), 0);
	CHECK_EQ(stat("nul", &s), 0);
	CHECK_EQ(s.st_rdev, makedev(1, 3));
	CHECK_EQ(mknod("plain", S_IFREG | 0600, 0), 0);
	CHECK_ERR(mknod("bad", S_IFDIR | 0600, 0), EPERM);
	CHECK_ERR(mknod("bad", 0170000, 0), EINVAL);
}

static void renaming(void)
{
	struct stat s;
	ino_t n;

	MUST(mkdir("r", 0755));
	MUST(chdir("r"));
	touch("a", 0600);
	touch("b", 0644);
	MUST(mkdir("d", 0755));
	MUST(mkdir("full", 0755));
	touch("full/x", 0644);
	CHECK_ERR(rename("absent", "x"), ENOENT);
	CHECK_ERR(rename("a", "absent/x"), ENOENT);
	CHECK_ERR(rename("a", "d"), EISDIR);
	CHECK_ERR(rename("d", "a"), ENOTDIR);
	CHECK_ERR(rename("d", "full"), ENOTEMPTY);
	CHECK_ERR(rename("full", "full/inner"), EINVAL);
	CHECK_ERR(rename("a/", "c"), ENOTDIR);
	CHECK_ERR(rename("a", "b/"), ENOTDIR);
	CHECK_ERR(rename(BAD, "b"), EFAULT);
	CHECK_ERR(rename("a", BAD), EFAULT);
	CHECK_ERR(rename(".", "b"), EBUSY);
	n = number("a");
	CHECK_EQ(rename("a", "b"), 0);
	CHECK_EQ(number("b"), n);
	CHECK_ERR(lstat("a", &s), ENOENT);
	n = number("full");
	CHECK_EQ(rename("full", "d"), 0);
	CHECK_EQ(number("d"), n);
	CHECK_EQ(access("d/x", F_OK), 0);
	CHECK_EQ(rename("d", "d"), 0);
	/* Into another directory; ".." follows. */
	MUST(mkdir("p", 0755));
	CHECK_EQ(rename("d", "p/d"), 0);
	CHECK_EQ(number("p/d/.."), number("p"));
	/* Two names of one file: nothing is done. */
	CHECK_EQ(link("b", "c"), 0);
	CHECK_EQ(rename("b", "c"), 0);
	CHECK_EQ(access("b", F_OK), 0);
	touch("e", 0644);
	CHECK_ERR(renameat2_("e", "b", RENAME_NOREPLACE), EEXIST);
	CHECK_EQ(renameat2_("e", "g", RENAME_NOREPLACE), 0);
	CHECK_ERR(renameat2_("g", "p", 64), EINVAL);
	MUST(chdir(".."));
}

static void linking(void)
{
	struct stat s;

	touch("l", 0644);
	CHECK_EQ(link("l", "l2"), 0);
	CHECK_EQ(stat("l2", &s), 0);
	CHECK_EQ(s.st_nlink, 2);
	CHECK_EQ(s.st_ino, number("l"));
	CHECK_ERR(link("l", "l2"), EEXIST);
	CHECK_ERR(link("absent", "l3"), ENOENT);
	MUST(mkdir("ld", 0755));
	CHECK_ERR(link("ld", "ld2"), EPERM);
	CHECK_ERR(link("l", "absent/x"), ENOENT);
	CHECK_ERR(link(BAD, "l4"), EFAULT);
	CHECK_EQ(symlink("l", "ls"), 0);
	CHECK_EQ(link("ls", "ls2"), 0);
	CHECK_EQ(lstat("ls2", &s), 0);
	CHECK(S_ISLNK(s.st_mode));
	CHECK_EQ(linkat(AT_FDCWD, "ls", AT_FDCWD, "l5", AT_SYMLINK_FOLLOW), 0);
	CHECK_EQ(number("l5"), number("l"));
	CHECK_ERR(linkat(AT_FDCWD, "l", AT_FDCWD, "l6", 1), EINVAL);
	CHECK_EQ(unlink("l"), 0);
	CHECK_EQ(stat("l2", &s), 0);
	CHECK_EQ(s.st_nlink, 2);
}

static void symlinks(void)
{
	char c[64], name[16], next[16];
	struct stat s;

	CHECK_EQ(symlink("target/here", "s"), 0);
	CHECK_EQ(readlink("s", c, sizeof(c)), 11);
	CHECK_EQ(memcmp(c, "target/here", 11), 0);
	CHECK_EQ(readlink("s", c, 3), 3);
	CHECK_ERR(syscall(SYS_readlink, "s", c, 0), EINVAL);
	CHECK_ERR(readlink("s", BAD, 10), EFAULT);
	CHECK_ERR(readlink(".", c, 10), EINVAL);
	CHECK_ERR(readlink("absent", c, 10), ENOENT);
	CHECK_ERR(symlink("x", "s"), EEXIST);
	CHECK_ERR(symlink("", "empty"), ENOENT);
	CHECK_EQ(lstat("s", &s), 0);
	CHECK_EQ(s.st_size, 11);
	CHECK_EQ(s.st_mode, S_IFLNK | 0777);
	CHECK_ERR(stat("s", &s), ENOENT);
	CHECK_ERR(open("s", O_RDONLY | O_NOFOLLOW), ELOOP);
	CHECK_ERR(open("s", O_RDWR | O_CREAT | O_EXCL, 0644), EEXIST);
	CHECK_EQ(symlink("made", "dangling"), 0);
	close(MUST(open("dangling", O_RDWR | O_CREAT, 0600)));
	CHECK_EQ(stat("made", &s), 0);
	CHECK_EQ(symlink("loop2", "loop1"), 0);
	CHECK_EQ(symlink("loop1", "loop2"), 0);
	CHECK_ERR(open("loop1", O_RDONLY), ELOOP);
	CHECK_ERR(stat("loop1/x", &s), ELOOP);
	/* 40 in a row are followed, 41 are too many. */
	touch("c0", 0644);
	for (int i = 0; i < 41; i++) {
		snprintf(name, sizeof(name), "c%d", i);
		snprintf(next, sizeof(next), "c%d", i + 1);
		CHECK_EQ(symlink(name, next), 0);
	}
	CHECK_EQ(stat("c40", &s), 0);
	CHECK_ERR(stat("c41", &s), ELOOP);
	/* In the middle of a path, and through a directory. */
	MUST(mkdir("sd", 0755));
	touch("sd/f", 0644);
	CHECK_EQ(symlink("sd", "to-dir"), 0);
	CHECK_EQ(stat("to-dir/f", &s), 0);
	CHECK_EQ(stat("to-dir/../to-dir/./f", &s), 0);
	CHECK_EQ(symlink("../sd/f", "sd/up"), 0);
	CHECK_EQ(number("to-dir/f"), (stat("sd/up", &s), s.st_ino));
	CHECK_EQ(lstat("to-dir/", &s), 0);
	CHECK(S_ISDIR(s.st_mode));
	CHECK_ERR(unlink("to-dir/"), ENOTDIR);
	CHECK_ERR(rmdir("to-dir"), ENOTDIR);
}

static void directories(void)
{
	enum { COUNT = 500 };
	static char seen[COUNT], buffer[32768];
	struct dirent *e;
	int dots = 0, others = 0, fd, k;
	char name[300];
	long place;
	DIR *d;

	MUST(mkdir("many", 0755));
	for (int i = 0; i < COUNT; i++) {
		snprintf(name, sizeof(name), "many/file-%d", i);
		touch(name, 0644);
	}
	d = opendir("many");
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.') {
			dots++;
			CHECK_EQ(e->d_type, DT_DIR);
		} else if (sscanf(e->d_name, "file-%d", &k) == 1 && k >= 0 && k < COUNT) {
			seen[k]++;
			CHECK_EQ(e->d_type, DT_REG);
		} else {
			others++;
		}
	}
	CHECK_EQ(dots, 2);
	CHECK_EQ(others, 0);
	for (int i = 0; i < COUNT; i++)
		CHECK_EQ(seen[i], 1);
	/* Back to a place; the same name comes. */
	rewinddir(d);
	for (int i = 0; i < 10; i++)
		readdir(d);
	place = telldir(d);
	e = readdir(d);
	snprintf(name, sizeof(name), "%s", e->d_name);
	readdir(d);
	seekdir(d, place);
	e = readdir(d);
	CHECK_EQ(strcmp(name, e->d_name), 0);
	/* What is there all the time is seen once, whatever is removed meanwhile. */
	rewinddir(d);
	memset(seen, 0, sizeof(seen));
	while ((e = readdir(d)))
		if (sscanf(e->d_name, "file-%d", &k) == 1) {
			seen[k]++;
			if (k % 2) {
				snprintf(name, sizeof(name), "many/file-%d", k);
				CHECK_EQ(unlink(name), 0);
			}
		}
	for (int i = 0; i < COUNT; i++)
		CHECK_EQ(seen[i], 1);
	closedir(d);
	fd = MUST(open("many", O_RDONLY));
	CHECK_ERR(syscall(SYS_getdents64, fd, buffer, 10), EINVAL);
	CHECK_ERR(syscall(SYS_getdents64, fd, BAD, sizeof(buffer)), EFAULT);
	CHECK_ERR(syscall(SYS_getdents64, -1, buffer, sizeof(buffer)), EBADF);
	CHECK(syscall(SYS_getdents64, fd, buffer, sizeof(buffer)) > 0);
	close(fd);
	fd = MUST(open("many/file-0", O_RDONLY));
	CHECK_ERR(syscall(SYS_getdents64, fd, buffer, sizeof(buffer)), ENOTDIR);
	close(fd);
	MUST(mkdir("gone", 0755));
	fd = MUST(open("gone", O_RDONLY));
	CHECK_EQ(rmdir("gone"), 0);
	CHECK_ERR(syscall(SYS_getdents64, fd, buffer, sizeof(buffer)), ENOENT);
	CHECK_ERR(openat(fd, "new", O_CREAT | O_RDWR, 0644), ENOENT);
	close(fd);
}

static void working_directory(void)
{
	char here[PATH_MAX], c[PATH_MAX];
	int fd;

	CHECK(getcwd(here, sizeof(here)) != NULL);
	CHECK_EQ(strcmp(here, check_directory), 0);
	CHECK_ERR(syscall(SYS_getcwd, c, 5), ERANGE);
	CHECK_ERR(syscall(SYS_getcwd, BAD, PATH_MAX), EFAULT);
	CHECK_EQ(syscall(SYS_getcwd, c, PATH_MAX), strlen(here) + 1);
	MUST(mkdir("w", 0755));
	MUST(mkdir("w/x", 0755));
	fd = MUST(open(".", O_RDONLY));
	CHECK_EQ(chdir("w/x"), 0);
	CHECK(getcwd(c, sizeof(c)) && strcmp(c + strlen(here), "/w/x") == 0);
	CHECK_EQ(rename("../../w", "../../v"), 0);
	CHECK(getcwd(c, sizeof(c)) && strcmp(c + strlen(here), "/v/x") == 0);
	CHECK_EQ(rmdir("../x"), 0);
	CHECK_ERR(syscall(SYS_getcwd, c, PATH_MAX), ENOENT);
	CHECK_ERR(open("f", O_CREAT | O_RDWR, 0644), ENOENT);
	CHECK_EQ(fchdir(fd), 0);
	CHECK(getcwd(c, sizeof(c)) && strcmp(c, here) == 0);
	close(fd);
	CHECK_ERR(chdir("absent"), ENOENT);
	touch("wf", 0644);
	CHECK_ERR(chdir("wf"), ENOTDIR);
	fd = MUST(open("wf", O_RDONLY));
	CHECK_ERR(fchdir(fd), ENOTDIR);
	CHECK_ERR(fchdir(-1), EBADF);
	close(fd);
	CHECK_EQ(chdir("/"), 0);
	CHECK_EQ(number("/.."), number("/"));
	CHECK(getcwd(c, sizeof(c)) && strcmp(c, "/") == 0);
	CHECK_EQ(chdir(here), 0);
}

/* When `fd` was read last, after one more read in a while. */
static struct timespec read_again(int fd)
{
	struct stat s = {0};
	char c;

	sleep_ms(30);
	CHECK_EQ(pread(fd, &c, 1, 0), 1);
	sleep_ms(30);
	CHECK_EQ(fstat(fd, &s), 0);
	return s.st_atim;
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/* mount(8)'s relatime: the first read after a change counts, be it of content or attributes. */
static void access_time(void)
{
	struct timespec first, second;
	struct statvfs fs = {0};
	int fd;

	CHECK_EQ(statvfs(".", &fs), 0);
	if (fs.f_flag & ST_NOATIME)
		return;
	touch("read", 0644);
	fd = MUST(open("read", O_RDWR));
	CHECK_EQ(write(fd, "12345", 5), 5);
	first = read_again(fd);
	CHECK(same_time(first, read_again(fd)));
	CHECK_EQ(fchmod(fd, 0600), 0);
	second = read_again(fd);
	CHECK(!same_time(first, second));
	CHECK(same_time(second, read_again(fd)));
	CHECK_EQ(pwrite(fd, "x", 1, 0), 1);
	CHECK(!same_time(second, read_again(fd)));
	close(fd);
	CHECK_EQ(unlink("read"), 0);
}

static void attributes(void)
{
	struct timespec t[2] = {{1000000, 5000}, {2000000, 7000}}, keep[2];
	struct stat s;
	int fd;

	touch("at", 0644);
	fd = MUST(open("at", O_RDWR));
	CHECK_EQ(write(fd, "12345", 5), 5);
	CHECK_EQ(utimensat(AT_FDCWD, "at", t, 0), 0);
	CHECK_EQ(stat("at", &s), 0);
	CHECK_EQ(s.st_atim.tv_sec, 1000000);
	CHECK_EQ(s.st_mtim.tv_sec, 2000000);
	CHECK_EQ(s.st_mtim.tv_nsec, 7000);
	keep[0] = (struct timespec){0, UTIME_OMIT};
	keep[1] = (struct timespec){3000000, 0};
	CHECK_EQ(utimensat(AT_FDCWD, "at", keep, 0), 0);
	CHECK_EQ(stat("at", &s), 0);
	CHECK_EQ(s.st_atim.tv_sec, 1000000);
	CHECK_EQ(s.st_mtim.tv_sec, 3000000);
	t[0].tv_nsec = 2000000000;
	CHECK_ERR(utimensat(AT_FDCWD, "at", t, 0), EINVAL);
	CHECK_EQ(pwrite(fd, "x", 1, 0), 1);
	CHECK_EQ(fstat(fd, &s), 0);
	CHECK(labs(s.st_mtim.tv_sec - time(NULL)) < 100);
	CHECK_EQ(futimens(fd, NULL), 0);
	CHECK_EQ(fstat(fd, &s), 0);
	CHECK(labs(s.st_atim.tv_sec - time(NULL)) < 100);
	CHECK_EQ(chmod("at", 06711), 0);
	CHECK_EQ(stat("at", &s), 0);
	CHECK_EQ(s.st_mode, S_IFREG | 06711);
	CHECK_EQ(fchmod(fd, 0600), 0);
	CHECK_ERR(chmod("absent", 0600), ENOENT);
	CHECK_EQ(chown("at", 5, 6), 0);
	CHECK_EQ(fchown(fd, -1, 7), 0);
	CHECK_EQ(stat("at", &s), 0);
	CHECK_EQ(s.st_uid, 5);
	CHECK_EQ(s.st_gid, 7);
	CHECK_EQ(s.st_mode, S_IFREG | 0600);
	CHECK_ERR(fstat(-1, &s), EBADF);
	CHECK_ERR(syscall(SYS_stat, "at", BAD), EFAULT);
	CHECK_ERR(syscall(SYS_newfstatat, AT_FDCWD, "at", &s, 0x8), EINVAL);
	CHECK_EQ(fstatat(fd, "", &s, AT_EMPTY_PATH), 0);
	CHECK_EQ(s.st_size, 5);
	CHECK_ERR(fstatat(fd, "", &s, 0), ENOENT);
	CHECK_EQ(symlink("at", "atl"), 0);
	CHECK_EQ(fstatat(AT_FDCWD, "atl", &s, AT_SYMLINK_NOFOLLOW), 0);
	CHECK(S_ISLNK(s.st_mode));
	CHECK_EQ(access("at", R_OK | W_OK), 0);
	CHECK_ERR(access("at", X_OK), EACCES);
	CHECK_ERR(access("absent", F_OK), ENOENT);
	CHECK_ERR(access("at", 8), EINVAL);
	close(fd);
}

/* Names that the kernel's hash of names (kernel/fs/directory.c) does not tell apart. */
static void same_hash(void)
{
	static const char *const alike[] = {"gxyzduia", "rjmgibiu", "xkvqa", "xrqsbz",
					    "kjjwrjew", "fitlvtoz", "dddgb", "mromaz"};
	const int n = sizeof(alike) / sizeof(alike[0]);
	ino_t numbers[8];

	for (int i = 0; i < n; i++) {
		CHECK_ERR(open(alike[i], O_RDONLY), ENOENT);
		touch(alike[i], 0600);
		numbers[i] = number(alike[i]);
		for (int k = 0; k < i; k++)
			CHECK(numbers[k] != numbers[i]);
	}
	for (int i = 0; i < n; i += 2) {
		CHECK_EQ(number(alike[i + 1]), numbers[i + 1]);
		CHECK_EQ(rename(alike[i], alike[i + 1]), 0);
		CHECK_EQ(number(alike[i + 1]), numbers[i]);
		CHECK_ERR(unlink(alike[i]), ENOENT);
		CHECK_EQ(unlink(alike[i + 1]), 0);
	}
}

/* Paths that end with the last byte of the memory before them, and those that do not end. */
static void at_the_end_of_memory(void)
{
	char *page =
	    mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *end = page + PAGE;

	munmap(end, PAGE);
	for (int length = 1; length <= 255; length++) {
		char *path = end - length - 1;

		memset(path, 'e', length);
		path[length] = '\0';
		CHECK_EQ(mkdir(path, 0700), 0);
		path[length] = 'x';
		CHECK_ERR(rmdir(path), EFAULT);
		path[length] = '\0';
		CHECK_EQ(rmdir(path), 0);
	}
	munmap(page, PAGE);
}

/* The path of an open file, as it grows over each size of a buffer. */
static void long_paths(void)
{
	char want[PATH_MAX], link[64], got[PATH_MAX], name[60];

	for (int depth = 0; depth < 16; depth++) {
		int length = 1 + depth * 5 % 41, fd;
		ssize_t n;

		memset(name, 'a' + depth, length);
		name[length] = '\0';
		MUST(mkdir(name, 0700));
		MUST(chdir(name));
		CHECK(getcwd(want, sizeof(want) - 10) != NULL);
		strcat(want, "/file");
		fd = MUST(open("file", O_CREAT | O_RDWR, 0600));
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		n = readlink(link, got, sizeof(got));
		if (n >= 0 || errno != ENOENT) /* there may be no /proc */
			CHECK(n == (ssize_t)strlen(want) && !memcmp(got, want, n));
		CHECK_EQ(access(want, R_OK), 0);
		close(fd);
	}
	CHECK(strlen(want) > 260);
	MUST(chdir(check_directory));
}

int main(void)
{
	check_start_in_directory();
	RUN(unlinking);
	RUN(making);
	RUN(renaming);
	RUN(linking);
	RUN(symlinks);
	RUN(directories);
	RUN(working_directory);
	RUN(attributes);
	RUN(access_time);
	RUN(same_hash);
	RUN(at_the_end_of_memory);
	RUN(long_paths);
	return check_end();
}
