/* SPDX-License-Identifier: MIT
 *
 * UNIX sockets: pairs, names, connections, messages, files sent along, options, ends and races.
 */
#include <poll.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "check.h"

static int p[2];
static char big[300000];

static void pair(int type)
{
	MUST(socketpair(AF_UNIX, type, 0, p));
}

static void close_pair(void)
{
	close(p[0]);
	close(p[1]);
}

static short bits(int fd)
{
	struct pollfd f = {.fd = fd, .events = POLLIN | POLLOUT | POLLRDHUP};

	CHECK(poll(&f, 1, 0) >= 0);
	return f.revents;
}

static ssize_t read_all(int fd, char *buffer, size_t size)
{
	size_t done = 0;
	ssize_t n;

	while (done < size && (n = read(fd, buffer + done, size - done)) > 0)
		done += n;
	return done;
}

/* A name in the file system, or with '@' an abstract one. */
static socklen_t name_of(struct sockaddr_un *a, const char *name)
{
	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	strcpy(a->sun_path, name);
	if (name[0] != '@')
		return sizeof(*a);
	snprintf(a->sun_path + 1, sizeof(a->sun_path) - 1, "%s-%d", name + 1, getppid());
	return offsetof(struct sockaddr_un, sun_path) + 1 + strlen(a->sun_path + 1);
}

static int do_bind(int fd, const char *name)
{
	struct sockaddr_un a;
	socklen_t n = name_of(&a, name);

	return bind(fd, (struct sockaddr *)&a, n);
}

static int do_connect(int fd, const char *name)
{
	struct sockaddr_un a;
	socklen_t n = name_of(&a, name);

	return connect(fd, (struct sockaddr *)&a, n);
}

static ssize_t send_to(int fd, const char *text, const char *name)
{
	struct sockaddr_un a;
	socklen_t n = name_of(&a, name);

	return sendto(fd, text, strlen(text), 0, (struct sockaddr *)&a, n);
}

static int make(int type, const char *name)
{
	int fd = MUST(socket(AF_UNIX, type, 0));

	unlink(name);
	MUST(do_bind(fd, name));
	return fd;
}

static int make_listener(int type, const char *name, int backlog)
{
	int fd = make(type, name);

	MUST(listen(fd, backlog));
	return fd;
}

static int make_client(int type, const char *name)
{
	int fd = MUST(socket(AF_UNIX, type, 0));

	MUST(do_connect(fd, name));
	return fd;
}

/* Wait until a process sleeps. */
static void until_asleep(pid_t pid)
{
	WAIT_UNTIL(process_state(pid) == 'S');
}

/* --- One end to the other --------------------------------------------------------------------- */

static void arguments(void)
{
	char link[64] = "", path[64];
	struct stat s;
	int fd;

	CHECK_ERR(socket(AF_UNIX, 77, 0), EINVAL);
	CHECK_ERR(socket(AF_UNIX, SOCK_STREAM | 0x100000, 0), EINVAL);
	CHECK_ERR(socket(AF_UNIX, 4, 0), ESOCKTNOSUPPORT);
	CHECK_ERR(socket(AF_UNIX, SOCK_STREAM, 5), EPROTONOSUPPORT);
	CHECK_ERR(socket(200, SOCK_STREAM, 0), EAFNOSUPPORT);
	CHECK_ERR(socketpair(AF_UNIX, SOCK_STREAM, 0, BAD), EFAULT);
	CHECK_ERR(socketpair(200, SOCK_STREAM, 0, p), EAFNOSUPPORT);
	fd = MUST(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
	CHECK_EQ(fd, 3);
	CHECK_EQ(fcntl(fd, F_GETFL), O_RDWR | O_NONBLOCK);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fstat(fd, &s), 0);
	CHECK_EQ(s.st_mode, S_IFSOCK | 0777);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK(readlink(path, link, sizeof(link) - 1) > 0);
	snprintf(path, sizeof(path), "socket:[%lu]", (long)s.st_ino);
	CHECK_EQ(strcmp(path, link), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK_ERR(open(path, O_RDWR), ENXIO);
	CHECK_ERR(lseek(fd, 0, SEEK_SET), ESPIPE);
	CHECK_ERR(pread(fd, path, 1, 0), ESPIPE);
	CHECK_ERR(ftruncate(fd, 0), EINVAL);
	CHECK_ERR(fsync(fd), EINVAL);
	CHECK_EQ((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0), -1);
	CHECK_EQ(errno, ENODEV);
	close(fd);
	CHECK_ERR(send(fd, "x", 1, 0), EBADF);
	CHECK_ERR(send(0, "x", 1, 0), ENOTSOCK);
	CHECK_ERR(recv(1, path, 1, 0), ENOTSOCK);
	CHECK_ERR(listen(1, 1), ENOTSOCK);
	CHECK_ERR(accept(1, NULL, NULL), ENOTSOCK);
	CHECK_ERR(shutdown(1, 0), ENOTSOCK);
}

static void stream(void)
{
	struct iovec v[2] = {{"ab", 2}, {"cdef", 4}};
	char c[16];
	int n;

	pair(SOCK_STREAM);
	CHECK_EQ(write(p[0], "hello", 5), 5);
	CHECK_EQ(send(p[0], "world", 5, 0), 5);
	CHECK_EQ(ioctl(p[1], FIONREAD, &n), 0);
	CHECK_EQ(n, 10);
	CHECK_EQ(read(p[1], c, 3), 3);
	CHECK_EQ(ioctl(p[1], FIONREAD, &n), 0);
	CHECK_EQ(n, 7);
	CHECK_EQ(recv(p[1], c + 3, 13, 0), 7);
	CHECK_EQ(memcmp(c, "helloworld", 10), 0);
	CHECK_EQ(writev(p[1], v, 2), 6);
	CHECK_EQ(recv(p[0], c, 16, MSG_PEEK), 6);
	v[0].iov_base = c, v[0].iov_len = 5;
	v[1].iov_base = c + 5, v[1].iov_len = 5;
	CHECK_EQ(readv(p[0], v, 2), 6);
	CHECK_EQ(memcmp(c, "abcdef", 6), 0);
	CHECK_ERR(recv(p[0], c, 1, MSG_DONTWAIT), EAGAIN);
	CHECK_EQ(write(p[0], c, 0), 0);
	CHECK_EQ(read(p[0], c, 0), 0);
	CHECK_ERR(write(p[0], BAD, 5), EFAULT);
	CHECK_EQ(write(p[0], "xyz", 3), 3);
	CHECK_ERR(read(p[1], BAD, 3), EFAULT);
	CHECK_EQ(read(p[1], c, 16), 3); /* a bad address cost nothing */
	close_pair();
}

static void full_and_empty(void)
{
	long total = 0;
	int n;

	pair(SOCK_STREAM | SOCK_NONBLOCK);
	CHECK_EQ(bits(p[0]), POLLOUT);
	CHECK_ERR(read(p[0], big, 1), EAGAIN);
	while ((n = write(p[0], big, 1000)) > 0)
		total += n;
	CHECK_EQ(errno, EAGAIN);
	CHECK(total > 50000 && total < 400000);
	CHECK_EQ(bits(p[0]), 0);
	CHECK_EQ(bits(p[1]), POLLIN | POLLOUT);
	CHECK_EQ(read_all(p[1], big, total), total);
	CHECK_EQ(bits(p[0]), POLLOUT);
	CHECK_EQ(bits(p[1]), POLLOUT);
	/* More than there is room for goes in pieces. */
	n = write(p[0], big, sizeof(big));
	CHECK(n > 100000 && n < 300000);
	CHECK_ERR(write(p[0], big, 1), EAGAIN);
	CHECK_EQ(read_all(p[1], big, n), n);
	close_pair();
}

int main(void)
{
	check_start_in_directory();
	handle(SIGPIPE, catch, 0);
	RUN(arguments);
	RUN(stream);
	RUN(full_and_empty);
	return check_end();
}
