/* SPDX-License-Identifier: MIT
 *
 * Ways to open files that few programs use: O_PATH, O_TMPFILE, a running program; and renameat2().
 */
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

#include "check.h"

static char proc_name[64];

static const char *by_proc(int fd)
{
	snprintf(proc_name, sizeof(proc_name), "/proc/self/fd/%d", fd);
	return proc_name;
}

static void make_file(const char *name, const char *text)
{
	int fd = MUST(open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644));

	CHECK_EQ(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

/* What a descriptor of open(O_PATH) can be used for. */
static void path_only(void)
{
	struct stat a, b;
	struct statfs fs;
	char text[64];
	int fd, copy;
	ssize_t n;

	make_file("file", "hello");
	fd = MUST(open("file", O_PATH | O_RDWR | O_CLOEXEC));
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(fd, F_GETFL) & (O_ACCMODE | O_PATH | O_APPEND), O_PATH);
	MUST(stat("file", &a));
	CHECK_EQ(fstat(fd, &b), 0);
	CHECK_EQ(a.st_ino, b.st_ino);
	CHECK_EQ(fstatat(fd, "", &b, AT_EMPTY_PATH), 0);
	CHECK_EQ(fstatfs(fd, &fs), 0);
	copy = MUST(dup(fd));
	CHECK_EQ(dup2(fd, copy), copy);
	CHECK_EQ(fcntl(copy, F_GETFL) & O_PATH, O_PATH);
	CHECK_EQ(fcntl(copy, F_SETFD, FD_CLOEXEC), 0);
	close(copy);
	copy = MUST(fcntl(fd, F_DUPFD_CLOEXEC, 50));
	CHECK_EQ(close(copy), 0);
	if (has_proc()) {
		n = readlink(by_proc(fd), text, sizeof(text) - 1);
		text[n > 0 ? n : 0] = '\0';
		CHECK(strcmp(text + (n > 5 ? n - 5 : 0), "/file") == 0);
		copy = MUST(open(by_proc(fd), O_RDONLY)); /* opens the file indeed */
		CHECK_EQ(read(copy, text, 10), 5);
		close(copy);
	}
	CHECK_ERR(open("none", O_PATH | O_CREAT, 0600), ENOENT);
	CHECK_ERR(open("file", O_PATH | O_DIRECTORY), ENOTDIR);
	copy = MUST(open("file", O_PATH | O_TRUNC | O_WRONLY)); /* the other flags mean nothing */
	close(copy);
	MUST(stat("file", &b));
	CHECK_EQ(b.st_size, 5);
	close(fd);
}

static void path_only_errors(void)
{
	struct pollfd poller = {.events = POLLIN};
	struct flock l = {.l_type = F_RDLCK};
	char c[64];
	int fd;

	fd = MUST(open("file", O_PATH));
	CHECK_ERR(read(fd, c, 1), EBADF);
	CHECK_ERR(write(fd, c, 1), EBADF);
	CHECK_ERR(pread(fd, c, 1, 0), EBADF);
	CHECK_ERR(lseek(fd, 0, SEEK_SET), EBADF);
	CHECK_ERR(ioctl(fd, FIONREAD, c), EBADF);
	CHECK_ERR(syscall(SYS_fchmod, fd, 0600), EBADF);
	CHECK_ERR(syscall(SYS_fchown, fd, 0, 0), EBADF);
	CHECK_ERR(ftruncate(fd, 0), EBADF);
	CHECK_ERR(fsync(fd), EBADF);
	CHECK_ERR(futimens(fd, NULL), EBADF);
	CHECK_ERR(fgetxattr(fd, "user.x", c, 1), EBADF);
	CHECK_ERR(fcntl(fd, F_SETFL, O_APPEND), EBADF);
	CHECK_ERR(fcntl(fd, F_GETLK, &l), EBADF);
	CHECK_ERR(syscall(SYS_flock, fd, 1), EBADF);
	CHECK_ERR(syscall(SYS_getdents64, fd, c, sizeof(c)), EBADF);
	CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED && errno == EBADF);
	poller.fd = fd;
	CHECK_EQ(poll(&poller, 1, 0), 1);
	CHECK_EQ(poller.revents, POLLNVAL);
	close(fd);
}

/* Links, directories, devices, sockets and FIFOs, which are not opened. */
static void path_only_of_others(void)
{
	struct sockaddr_un name = {AF_UNIX, "socket"};
	struct stat st;
	char text[64];
	int fd, file, s;

	MUST(symlink("file", "link"));
	fd = MUST(open("link", O_PATH));
	MUST(fstat(fd, &st));
	CHECK(S_ISREG(st.st_mode));
	close(fd);
	fd = MUST(open("link", O_PATH | O_NOFOLLOW));
	MUST(fstat(fd, &st));
	CHECK(S_ISLNK(st.st_mode));
	CHECK_EQ(readlinkat(fd, "", text, sizeof(text)), 4);
	CHECK_ERR(openat(fd, "x", O_RDONLY), ENOTDIR);
	if (has_proc())
		CHECK_ERR(open(by_proc(fd), O_RDONLY), ELOOP);
	close(fd);
	MUST(mkdir("directory", 0755));
	fd = MUST(open("directory", O_PATH));
	file = MUST(openat(fd, "inside", O_CREAT | O_RDWR, 0600));
	close(file);
	CHECK_EQ(fstatat(fd, "inside", &st, 0), 0);
	CHECK_EQ(unlinkat(fd, "inside", 0), 0);
	CHECK_EQ(fchdir(fd), 0);
	CHECK_EQ(chdir(".."), 0);
	close(fd);
	MUST(mkfifo("fifo", 0600));
	fd = MUST(open("fifo", O_PATH)); /* does not wait */
	MUST(fstat(fd, &st));
	CHECK(S_ISFIFO(st.st_mode));
	close(fd);
	s = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
	MUST(bind(s, (struct sockaddr *)&name, sizeof(name)));
	fd = MUST(open("socket", O_PATH));
	close(fd);
	close(s);
	/* A close of it frees no lock. */
	file = MUST(open("file", O_RDWR));
	fd = MUST(open("file", O_PATH));
	MUST(fcntl(file, F_SETLK, &(struct flock){.l_type = F_WRLCK}));
	close(fd);
	CHECK_EQ(
	    IN_CHILD(CHECK_ERR(fcntl(file, F_SETLK, &(struct flock){.l_type = F_WRLCK}), EAGAIN)),
	    0);
	close(file);
}

static void unnamed(void)
{
	struct stat st;
	char text[16];
	int fd, other;

	fd = MUST(open(".", O_TMPFILE | O_RDWR, 0640));
	MUST(fstat(fd, &st));
	CHECK_EQ(st.st_nlink, 0);
	CHECK_EQ(st.st_mode, S_IFREG | 0640);
	CHECK_EQ(write(fd, "data", 4), 4);
	CHECK_EQ(pread(fd, text, 10, 0), 4);
	/* It gets a name. */
	CHECK_EQ(linkat(fd, "", AT_FDCWD, "named", AT_EMPTY_PATH), 0);
	MUST(fstat(fd, &st));
	CHECK_EQ(st.st_nlink, 1);
	other = MUST(open("named", O_RDONLY));
	CHECK_EQ(read(other, text, 10), 4);
	close(other);
	CHECK_ERR(linkat(fd, "", AT_FDCWD, "named", AT_EMPTY_PATH), EEXIST);
	CHECK_EQ(unlink("named"), 0);
	CHECK_ERR(linkat(fd, "", AT_FDCWD, "named", AT_EMPTY_PATH), ENOENT); /* only once */
	close(fd);
	if (has_proc()) {
		fd = MUST(open(".", O_TMPFILE | O_WRONLY, 0600));
		CHECK_EQ(linkat(AT_FDCWD, by_proc(fd), AT_FDCWD, "named", AT_SYMLINK_FOLLOW), 0);
		CHECK_EQ(unlink("named"), 0);
		close(fd);
	}
	fd = MUST(open(".", O_TMPFILE | O_RDWR | O_EXCL, 0600));
	CHECK_ERR(linkat(fd, "", AT_FDCWD, "named", AT_EMPTY_PATH), ENOENT);
	close(fd);
	CHECK_ERR(open(".", O_TMPFILE | O_RDONLY, 0600), EINVAL);
	CHECK_ERR(open("file", O_TMPFILE | O_RDWR, 0600), ENOTDIR);
	CHECK_ERR(open("none", O_TMPFILE | O_RDWR, 0600), ENOENT);
	CHECK_ERR(open(".", O_TMPFILE | O_RDWR | O_CREAT, 0600), EINVAL);
	CHECK_ERR(linkat(99, "", AT_FDCWD, "named", AT_EMPTY_PATH), EBADF);
	CHECK_ERR(linkat(AT_FDCWD, "", AT_FDCWD, "named", 0), ENOENT);
	/* Any file has this way to another name, a directory has not. */
	fd = MUST(open("file", O_RDONLY));
	CHECK_EQ(linkat(fd, "", AT_FDCWD, "named", AT_EMPTY_PATH), 0);
	CHECK_EQ(unlink("named"), 0);
	close(fd);
	CHECK_ERR(linkat(AT_FDCWD, "", AT_FDCWD, "named", AT_EMPTY_PATH), EPERM);
}

/* Copy this program. */
static void copy_self(const char *name)
{
	int from = MUST(open(self_path(), O_RDONLY)),
	    to = MUST(open(name, O_CREAT | O_WRONLY, 0755));
	char buffer[4096];
	ssize_t n;

	while ((n = read(from, buffer, sizeof(buffer))) > 0)
		if (!CHECK_EQ(write(to, buffer, n), n))
			break;
	close(from);
	close(to);
}

/* A program that runs is not written, and one that is being written does not run. */
static void running_program(void)
{
	int p[2], ready[2], fd;
	pid_t child;
	char c;

	copy_self("program");
	MUST(pipe(p));
	MUST(pipe(ready));
	child = SPAWN({
		char number[2][16];

		close(p[1]);
		close(ready[0]);
		snprintf(number[0], sizeof(number[0]), "%d", p[0]);
		snprintf(number[1], sizeof(number[1]), "%d", ready[1]);
		execl("program", "program", "wait", number[0], number[1], NULL);
		check_failures++;
	});
	close(ready[1]);
	close(p[0]);
	CHECK_EQ(read(ready[0], &c, 1), 1);
	CHECK_ERR(open("program", O_WRONLY), ETXTBSY);
	CHECK_ERR(open("program", O_RDWR), ETXTBSY);
	CHECK_ERR(open("program", O_RDONLY | O_TRUNC), ETXTBSY);
	CHECK_ERR(creat("program", 0755), ETXTBSY);
	CHECK_ERR(truncate("program", 0), ETXTBSY);
	fd = MUST(open("program", O_RDONLY));
	close(fd);
	CHECK_EQ(rename("program", "moved"), 0);
	CHECK_ERR(open("moved", O_WRONLY), ETXTBSY);
	close(p[1]);
	CHECK_EQ(wait_status(child), 0);
	fd = MUST(open("moved", O_WRONLY));
	child = SPAWN({
		execl("moved", "moved", "end", NULL);
		CHECK_EQ(errno, ETXTBSY);
	});
	CHECK_EQ(wait_status(child), 0);
	child = SPAWN(close(fd); execl("moved", "moved", "end", NULL); CHECK_EQ(errno, ETXTBSY));
	CHECK_EQ(wait_status(child), 0);
	close(fd);
	child = SPAWN(execl("moved", "moved", "end", NULL));
	CHECK_EQ(wait_status(child), 7 << 8);
	CHECK_EQ(unlink("moved"), 0);
	close(ready[0]);
}

static int rename2(const char *from, const char *to, unsigned flags)
{
	return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
}

#define EXCHANGE 2

static void exchange(void)
{
	struct stat a, b, c;

	make_file("one", "1");
	make_file("two", "22");
	MUST(stat("one", &a));
	CHECK_EQ(rename2("one", "two", EXCHANGE), 0);
	MUST(stat("two", &b));
	CHECK_EQ(a.st_ino, b.st_ino);
	MUST(stat("one", &b));
	CHECK_EQ(b.st_size, 2);
	CHECK_EQ(rename2("one", "one", EXCHANGE), 0);
	/* A directory with a file, in different directories. */
	MUST(mkdir("dir", 0755));
	MUST(mkdir("dir/sub", 0755));
	make_file("dir/sub/x", "x");
	MUST(stat("dir", &a));
	CHECK_EQ(a.st_nlink, 3);
	CHECK_EQ(rename2("dir/sub", "one", EXCHANGE), 0);
	MUST(stat("dir", &a));
	CHECK_EQ(a.st_nlink, 2);
	CHECK_EQ(stat("one/x", &b), 0);
	MUST(stat("dir/sub", &b));
	CHECK_EQ(b.st_size, 2);
	MUST(stat("one/..", &b));
	MUST(stat(".", &c));
	CHECK_EQ(b.st_ino, c.st_ino);
	CHECK_EQ(rename2("one", "dir", EXCHANGE), 0); /* two directories */
	CHECK_EQ(stat("dir/x", &b), 0);
	MUST(stat("one", &b));
	CHECK_EQ(b.st_ino, a.st_ino);
	CHECK_ERR(rename2("one", "none", EXCHANGE), ENOENT);
	CHECK_ERR(rename2("none", "one", EXCHANGE), ENOENT);
	MUST(mkdir("one/two", 0755));
	CHECK_ERR(rename2("one", "one/two", EXCHANGE), EINVAL);
	CHECK_ERR(rename2("one/two", "one", EXCHANGE), EINVAL);
	CHECK_ERR(rename2("one", "two", EXCHANGE | 1), EINVAL);
	CHECK_ERR(rename2("one", "two", 8), EINVAL);
	CHECK_ERR(rename2("two/", "one", EXCHANGE), ENOTDIR);
	CHECK_EQ(unlink("dir/x"), 0);
	CHECK_EQ(rmdir("dir"), 0);
	CHECK_EQ(unlink("one/sub"), 0);
	CHECK_EQ(rmdir("one/two"), 0);
	CHECK_EQ(rmdir("one"), 0);
	CHECK_EQ(unlink("two"), 0);
}

int main(int argc, char **argv)
{
	char c;

	if (argc == 2 && strcmp(argv[1], "end") == 0)
		return 7;
	if (argc == 4 && strcmp(argv[1], "wait") == 0)
		return write(atoi(argv[3]), "x", 1) != 1 || read(atoi(argv[2]), &c, 1) != 0;
	check_start_in_directory();
	RUN(path_only);
	RUN(path_only_errors);
	RUN(path_only_of_others);
	RUN(unnamed);
	RUN(running_program);
	RUN(exchange);
	return check_end();
}
