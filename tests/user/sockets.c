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
	a->sun_path[0] = 0;
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

/* Wait until a process sleeps, and not just for a moment. */
static void until_asleep(pid_t pid)
{
	for (int i = 0; i < 5; i++) {
		WAIT_UNTIL(process_state(pid) == 'S');
		sleep_ms(2);
	}
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

/* An end that closes: end of file, or with unread data a reset; nobody writes to it. */
static void ends(void)
{
	char c[4];

	caught[SIGPIPE] = 0;
	pair(SOCK_STREAM);
	CHECK_EQ(write(p[1], "ab", 2), 2);
	close(p[1]);
	CHECK_EQ(bits(p[0]), POLLIN | POLLOUT | POLLHUP | POLLRDHUP);
	CHECK_EQ(read(p[0], c, 4), 2);
	CHECK_EQ(read(p[0], c, 4), 0);
	CHECK_ERR(send(p[0], c, 1, MSG_NOSIGNAL), EPIPE);
	CHECK_EQ(caught[SIGPIPE], 0);
	CHECK_ERR(write(p[0], c, 1), EPIPE);
	CHECK_EQ(caught[SIGPIPE], 1);
	CHECK_ERR(send(p[0], c, 1, 0), EPIPE);
	CHECK_EQ(caught[SIGPIPE], 2);
	close(p[0]);

	pair(SOCK_STREAM);
	CHECK_EQ(write(p[0], "ab", 2), 2);
	close(p[1]);
	CHECK_EQ(bits(p[0]), POLLIN | POLLOUT | POLLHUP | POLLRDHUP | POLLERR);
	CHECK_ERR(read(p[0], c, 4), ECONNRESET);
	CHECK_EQ(read(p[0], c, 4), 0);
	close(p[0]);

	pair(SOCK_SEQPACKET);
	CHECK_EQ(write(p[0], "ab", 2), 2);
	CHECK_EQ(write(p[1], "cd", 2), 2);
	close(p[1]);
	CHECK_ERR(write(p[0], c, 1), ECONNRESET);
	CHECK_EQ(read(p[0], c, 4), 2);
	CHECK_EQ(read(p[0], c, 4), 0);
	CHECK_ERR(send(p[0], c, 1, MSG_NOSIGNAL), EPIPE);
	CHECK_EQ(caught[SIGPIPE], 2);
	CHECK_ERR(write(p[0], c, 1), EPIPE);
	CHECK_EQ(caught[SIGPIPE], 2); /* a signal is for streams */
	close(p[0]);

	/* Datagrams do not end. */
	pair(SOCK_DGRAM);
	close(p[1]);
	CHECK_ERR(recv(p[0], c, 4, MSG_DONTWAIT), EAGAIN);
	CHECK_EQ(bits(p[0]), POLLOUT);
	CHECK_ERR(send(p[0], c, 1, 0), ECONNREFUSED);
	CHECK_ERR(send(p[0], c, 1, 0), ENOTCONN);
	close(p[0]);
}

static void half_closed(void)
{
	char c[4];

	caught[SIGPIPE] = 0;
	pair(SOCK_STREAM);
	CHECK_ERR(shutdown(p[0], 3), EINVAL);
	CHECK_EQ(write(p[0], "ab", 2), 2);
	CHECK_EQ(shutdown(p[0], SHUT_WR), 0);
	CHECK_ERR(write(p[0], c, 1), EPIPE);
	CHECK_EQ(caught[SIGPIPE], 1);
	CHECK_EQ(bits(p[1]), POLLIN | POLLOUT | POLLRDHUP);
	CHECK_EQ(read(p[1], c, 4), 2);
	CHECK_EQ(read(p[1], c, 4), 0);
	CHECK_EQ(write(p[1], "cd", 2), 2);
	CHECK_EQ(read(p[0], c, 4), 2);
	CHECK_EQ(shutdown(p[0], SHUT_RD), 0);
	CHECK_ERR(write(p[1], c, 1), EPIPE);
	CHECK_EQ(read(p[0], c, 4), 0);
	CHECK_EQ(bits(p[0]), POLLIN | POLLOUT | POLLHUP | POLLRDHUP);
	close_pair();

	pair(SOCK_DGRAM);
	CHECK_EQ(shutdown(p[0], SHUT_RD), 0);
	CHECK_EQ(read(p[0], c, 4), 0);
	CHECK_ERR(recv(p[0], c, 4, MSG_DONTWAIT), EAGAIN);
	CHECK_ERR(write(p[1], c, 1), EPIPE);
	CHECK_EQ(write(p[0], c, 1), 1);
	CHECK_EQ(shutdown(p[0], SHUT_WR), 0);
	CHECK_ERR(write(p[0], c, 1), EPIPE);
	close_pair();
}

/* Messages stay apart, empty ones too. */
static void messages_of(int type)
{
	struct iovec v[2] = {{big, 3}, {big + 10, 3}};
	struct msghdr m = {.msg_iov = v, .msg_iovlen = 2};
	char c[16];
	int n, size = 100;

	pair(type);
	CHECK_EQ(write(p[0], "hello", 5), 5);
	CHECK_EQ(send(p[0], "", 0, 0), 0);
	CHECK_EQ(sendmsg(p[0], &m, 0), 6);
	CHECK_EQ(ioctl(p[1], FIONREAD, &n), 0);
	CHECK_EQ(n, type == SOCK_DGRAM ? 5 : 11);
	CHECK_EQ(recv(p[1], c, 2, MSG_PEEK), 2);
	CHECK_EQ(recv(p[1], c, 2, MSG_PEEK | MSG_TRUNC), 5);
	CHECK_EQ(read(p[1], c, 16), 5);
	CHECK_EQ(read(p[1], c, 16), 0);
	m.msg_iovlen = 1;
	CHECK_EQ(recvmsg(p[1], &m, 0), 3);
	CHECK_EQ(m.msg_flags, MSG_TRUNC);
	CHECK_ERR(recv(p[1], c, 1, MSG_DONTWAIT), EAGAIN);
	/* Large ones of several pages; none too large. */
	for (int i = 0; i < 50000; i++)
		big[i] = i % 251;
	CHECK_EQ(write(p[0], big, 50000), 50000);
	memset(big, 0, 50000);
	CHECK_EQ(recv(p[1], big, 60000, MSG_PEEK), 50000);
	memset(big, 0, 50000);
	CHECK_EQ(read(p[1], big, 60000), 50000);
	for (int i = 0; i < 50000; i++)
		if (big[i] != (char)(i % 251) && !CHECK_EQ(big[i], i % 251))
			break;
	CHECK_ERR(write(p[0], big, sizeof(big)), EMSGSIZE);
	CHECK_EQ(setsockopt(p[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
	CHECK_ERR(write(p[0], big, 5000), EMSGSIZE);
	CHECK_EQ(write(p[0], big, 1000), 1000);
	/* Full at some time, and again free. */
	for (n = 0; send(p[0], big, 1000, MSG_DONTWAIT) == 1000; n++)
		;
	CHECK_EQ(errno, EAGAIN);
	CHECK(n < 10);
	CHECK_EQ(bits(p[0]) & POLLOUT, 0);
	for (; n >= 0; n--)
		CHECK_EQ(read(p[1], big, 2000), 1000);
	CHECK_EQ(bits(p[0]), POLLOUT);
	close_pair();
}

static void datagrams(void)
{
	messages_of(SOCK_DGRAM);
}

static void packets(void)
{
	messages_of(SOCK_SEQPACKET);
}

static void wait_all(void)
{
	char c[16];
	pid_t pid;

	pair(SOCK_STREAM);
	pid =
	    SPAWN(close(p[0]); CHECK_EQ(recv(p[1], c, 6, MSG_WAITALL), 6);
		  CHECK_EQ(memcmp(c, "abcdef", 6), 0); CHECK_EQ(recv(p[1], c, 6, MSG_WAITALL), 2));
	write(p[0], "abc", 3);
	until_asleep(pid);
	write(p[0], "def", 3);
	until_asleep(pid);
	write(p[0], "gh", 2);
	close_pair();
	CHECK_EQ(wait_status(pid), 0);
}

/* --- Names ------------------------------------------------------------------------------------ */

static void check_name(int fd, bool peer, const void *path, socklen_t length)
{
	struct sockaddr_un a;
	socklen_t n = sizeof(a);

	memset(&a, 1, sizeof(a));
	CHECK_EQ((peer ? getpeername : getsockname)(fd, (struct sockaddr *)&a, &n), 0);
	CHECK_EQ(a.sun_family, AF_UNIX);
	if (CHECK_EQ(n, length + 2))
		CHECK_EQ(memcmp(a.sun_path, path, length), 0);
}

static void names(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "full"};
	struct sockaddr *any = (struct sockaddr *)&a;
	char automatic[8];
	struct stat s;
	socklen_t n;
	int fd = MUST(socket(AF_UNIX, SOCK_STREAM, 0)), other;

	check_name(fd, false, "", 0);
	CHECK_ERR(getpeername(fd, any, &(socklen_t){sizeof(a)}), ENOTCONN);
	CHECK_ERR(bind(fd, any, 1), EINVAL);
	CHECK_ERR(bind(fd, any, sizeof(a) + 1), EINVAL);
	CHECK_ERR(bind(fd, BAD, sizeof(a)), EFAULT);
	a.sun_family = AF_INET;
	CHECK_ERR(bind(fd, any, sizeof(a)), EINVAL);
	a.sun_family = AF_UNIX;
	CHECK_ERR(do_bind(fd, "nowhere/x"), ENOENT);
	CHECK_EQ(do_bind(fd, "full"), 0);
	CHECK_EQ(stat("full", &s), 0);
	CHECK_EQ(s.st_mode, S_IFSOCK | 0755);
	CHECK_ERR(open("full", O_RDWR), ENXIO);
	check_name(fd, false, "full", 5);
	CHECK_ERR(do_bind(fd, "again"), EINVAL);
	other = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
	CHECK_ERR(do_bind(other, "full"), EADDRINUSE);
	CHECK_ERR(do_connect(other, "full"), ECONNREFUSED); /* not listening */
	close(fd);
	CHECK_ERR(do_bind(other, "full"), EADDRINUSE); /* the node stays */
	CHECK_ERR(do_connect(other, "full"), ECONNREFUSED);
	CHECK_ERR(do_connect(other, "none"), ENOENT);
	close(open("regular", O_CREAT | O_RDWR, 0644));
	CHECK_ERR(do_connect(other, "regular"), ECONNREFUSED);
	unlink("full");
	/* 108 bytes without a NUL; a short buffer gets the beginning. */
	memset(a.sun_path, 'x', sizeof(a.sun_path));
	CHECK_EQ(bind(other, any, sizeof(a)), 0);
	n = 6;
	memset(&a, 0, sizeof(a));
	CHECK_EQ(getsockname(other, any, &n), 0);
	CHECK_EQ(n, sizeof(a) + 1);
	CHECK_EQ(strcmp(a.sun_path, "xxxx"), 0);
	n = -1;
	CHECK_ERR(getsockname(other, any, &n), EINVAL);
	close(other);

	fd = MUST(socket(AF_UNIX, SOCK_DGRAM, 0));
	other = MUST(socket(AF_UNIX, SOCK_DGRAM, 0));
	CHECK_EQ(do_bind(fd, "@name"), 0);
	CHECK_ERR(do_bind(other, "@name"), EADDRINUSE);
	CHECK_EQ(send_to(other, "x", "@name"), 1);
	CHECK_ERR(send_to(other, "x", "@nam"), ECONNREFUSED);
	close(fd);
	CHECK_ERR(send_to(other, "x", "@name"), ECONNREFUSED);
	CHECK_EQ(do_bind(other, "@name"), 0);
	close(other);
	/* An automatic name: NUL and five hexadecimal digits. */
	fd = MUST(socket(AF_UNIX, SOCK_DGRAM, 0));
	a.sun_family = AF_UNIX;
	CHECK_EQ(bind(fd, any, 2), 0);
	n = sizeof(a);
	CHECK_EQ(getsockname(fd, any, &n), 0);
	CHECK_EQ(n, 2 + 6);
	CHECK_EQ(a.sun_path[0], 0);
	memcpy(automatic, a.sun_path + 1, 5);
	automatic[5] = 0;
	CHECK_EQ(strspn(automatic, "0123456789abcdef"), 5);
	close(fd);
}

static void addressed_datagrams(void)
{
	int a = make(SOCK_DGRAM, "a"), b = make(SOCK_DGRAM, "b"), c = make(SOCK_DGRAM, "c");
	int stream = make(SOCK_STREAM, "stream");
	struct sockaddr_un from;
	socklen_t n = sizeof(from);
	char text[16];

	CHECK_ERR(write(a, "x", 1), ENOTCONN);
	CHECK_ERR(send_to(a, "x", "stream"), EPROTOTYPE);
	CHECK_ERR(do_connect(a, "stream"), EPROTOTYPE);
	CHECK_ERR(listen(a, 1), EOPNOTSUPP);
	CHECK_ERR(accept(a, NULL, NULL), EOPNOTSUPP);
	CHECK_EQ(send_to(a, "hi", "b"), 2);
	CHECK_EQ(recvfrom(b, text, 16, 0, (struct sockaddr *)&from, &n), 2);
	CHECK_EQ(n, 4);
	CHECK_EQ(strcmp(from.sun_path, "a"), 0);
	/* Connected: from one only. */
	CHECK_EQ(do_connect(b, "c"), 0);
	check_name(b, true, "c", 2);
	CHECK_ERR(send_to(a, "x", "b"), EPERM);
	CHECK_EQ(send_to(c, "y", "b"), 1);
	CHECK_EQ(write(b, "z", 1), 1);
	CHECK_EQ(send_to(b, "w", "a"), 1);
	CHECK_EQ(read(b, text, 16), 1);
	CHECK_EQ(read(c, text, 16), 1);
	CHECK_EQ(read(a, text, 16), 1);
	/* And no more. */
	from.sun_family = AF_UNSPEC;
	CHECK_EQ(connect(b, (struct sockaddr *)&from, sizeof(from)), 0);
	CHECK_ERR(write(b, "x", 1), ENOTCONN);
	CHECK_EQ(send_to(a, "x", "b"), 1);
	/* Whom one is connected to may go. */
	CHECK_EQ(do_connect(a, "c"), 0);
	close(c);
	CHECK_ERR(write(a, "x", 1), ECONNREFUSED);
	CHECK_ERR(write(a, "x", 1), ENOTCONN);
	/* To itself. */
	CHECK_EQ(send_to(a, "me", "a"), 2);
	CHECK_EQ(read(a, text, 16), 2);
	close(a);
	close(b);
	close(stream);
}

/* --- Connections ------------------------------------------------------------------------------ */

static void connections_of(int type, const char *name)
{
	int l = make(type, name), c = MUST(socket(AF_UNIX, type, 0)), s, value;
	struct sockaddr_un a;
	socklen_t n = sizeof(value);
	struct ucred cred;
	char text[16];

	CHECK_ERR(accept(l, NULL, NULL), EINVAL);
	CHECK_ERR(listen(c, 1), EINVAL); /* no name */
	CHECK_ERR(read(c, text, 1), type == SOCK_STREAM ? EINVAL : ENOTCONN);
	CHECK_ERR(write(c, text, 1), ENOTCONN);
	CHECK_EQ(bits(c), POLLOUT | POLLHUP);
	CHECK_EQ(listen(l, 2), 0);
	CHECK_EQ(bits(l), 0);
	CHECK_EQ(getsockopt(l, SOL_SOCKET, SO_ACCEPTCONN, &value, &n), 0);
	CHECK_EQ(value, 1);
	CHECK_ERR(syscall(SYS_accept4, l, NULL, NULL, 1), EINVAL);
	fcntl(l, F_SETFL, O_NONBLOCK);
	CHECK_ERR(accept(l, NULL, NULL), EAGAIN);
	CHECK_ERR(write(l, text, 1), ENOTCONN);
	CHECK_ERR(do_connect(l, name), EINVAL);
	CHECK_EQ(do_connect(c, name), 0);
	CHECK_ERR(do_connect(c, name), EISCONN);
	CHECK_EQ(bits(l), POLLIN);
	CHECK_EQ(write(c, "early", 5), 5);
	n = sizeof(a);
	s = accept4(l, (struct sockaddr *)&a, &n, SOCK_CLOEXEC);
	CHECK(s >= 0);
	CHECK_EQ(n, 2);
	CHECK_EQ(fcntl(s, F_GETFL), O_RDWR);
	CHECK_EQ(fcntl(s, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(read(s, text, 16), 5);
	if (name[0] != '@') {
		check_name(s, false, name, strlen(name) + 1);
		check_name(c, true, name, strlen(name) + 1);
	}
	check_name(c, false, "", 0);
	check_name(s, true, "", 0);
	CHECK_EQ(write(s, "back", 4), 4);
	CHECK_EQ(read(c, text, 16), 4);
	name_of(&a, name);
	if (type == SOCK_STREAM)
		CHECK_ERR(sendto(c, "x", 1, 0, (struct sockaddr *)&a, sizeof(a)), EISCONN);
	n = sizeof(cred);
	CHECK_EQ(getsockopt(c, SOL_SOCKET, SO_PEERCRED, &cred, &n), 0);
	CHECK_EQ(cred.pid, getpid());
	CHECK_EQ(cred.uid, getuid());
	n = sizeof(cred);
	CHECK_EQ(getsockopt(s, SOL_SOCKET, SO_PEERCRED, &cred, &n), 0);
	CHECK_EQ(cred.pid, getpid());
	close(s);
	CHECK_EQ(read(c, text, 1), 0);
	close(c);
	/* Nobody accepts: backlog and one more. */
	for (int i = 0; i < 3; i++)
		make_client(type, name);
	c = MUST(socket(AF_UNIX, type | SOCK_NONBLOCK, 0));
	CHECK_ERR(do_connect(c, name), EAGAIN);
	s = accept(l, NULL, NULL);
	CHECK_EQ(do_connect(c, name), 0);
	close(l);
	/* Those that were not accepted learn of it. */
	CHECK_ERR(read(c, text, 1), ECONNRESET);
	CHECK_ERR(do_connect(make_listener(type, "@other", 1), name),
		  name[0] == '@' ? ECONNREFUSED : ECONNREFUSED);
	syscall(SYS_close_range, 3, ~0U, 0);
	unlink(name);
}

static void stream_connections(void)
{
	connections_of(SOCK_STREAM, "server");
	connections_of(SOCK_STREAM, "@server");
}

static void packet_connections(void)
{
	connections_of(SOCK_SEQPACKET, "server");
	connections_of(SOCK_SEQPACKET, "@server");
}

static void connect_waits(void)
{
	int l = make_listener(SOCK_STREAM, "busy", 0), s;
	pid_t pid;

	make_client(SOCK_STREAM, "busy");
	pid = SPAWN(close(l); make_client(SOCK_STREAM, "busy"));
	until_asleep(pid);
	s = accept(l, NULL, NULL);
	CHECK_EQ(wait_status(pid), 0);
	pid = SPAWN(close(l); CHECK_ERR(do_connect(MUST(socket(AF_UNIX, SOCK_STREAM, 0)), "busy"),
					ECONNREFUSED));
	until_asleep(pid);
	close(l);
	close(s);
	CHECK_EQ(wait_status(pid), 0);
	syscall(SYS_close_range, 3, ~0U, 0);
}

/* --- Options ---------------------------------------------------------------------------------- */

static int option(int fd, int name)
{
	int value = -1;
	socklen_t n = sizeof(value);

	CHECK_EQ(getsockopt(fd, SOL_SOCKET, name, &value, &n), 0);
	CHECK_EQ(n, sizeof(value));
	return value;
}

static void options(void)
{
	struct timeval t = {0, 50000}, got;
	int value = 1, fd;
	socklen_t n = 2;
	long start;
	char c;

	pair(SOCK_STREAM);
	CHECK_EQ(option(p[0], SO_TYPE), SOCK_STREAM);
	CHECK_EQ(option(p[0], SO_DOMAIN), AF_UNIX);
	CHECK_EQ(option(p[0], SO_PROTOCOL), 0);
	CHECK_EQ(option(p[0], SO_ACCEPTCONN), 0);
	CHECK_EQ(option(p[0], SO_ERROR), 0);
	CHECK_EQ(option(p[0], SO_REUSEADDR), 0);
	CHECK_EQ(setsockopt(p[0], SOL_SOCKET, SO_REUSEADDR, &value, sizeof(value)), 0);
	CHECK_EQ(option(p[0], SO_REUSEADDR), 1);
	value = 10000;
	CHECK_EQ(setsockopt(p[0], SOL_SOCKET, SO_SNDBUF, &value, sizeof(value)), 0);
	CHECK_EQ(option(p[0], SO_SNDBUF), 20000);
	value = 1;
	CHECK_EQ(setsockopt(p[0], SOL_SOCKET, SO_SNDBUF, &value, sizeof(value)), 0);
	CHECK_EQ(option(p[0], SO_SNDBUF), 4608);
	CHECK_EQ(setsockopt(p[0], SOL_SOCKET, SO_RCVBUF, &value, sizeof(value)), 0);
	CHECK_EQ(option(p[0], SO_RCVBUF), 2304);
	CHECK_ERR(setsockopt(p[0], SOL_SOCKET, SO_SNDBUF, &value, 3), EINVAL);
	CHECK_ERR(setsockopt(p[0], SOL_SOCKET, SO_SNDBUF, BAD, 4), EFAULT);
	CHECK_ERR(setsockopt(p[0], SOL_SOCKET, SO_TYPE, &value, 4), ENOPROTOOPT);
	CHECK_ERR(setsockopt(p[0], SOL_SOCKET, 9999, &value, 4), ENOPROTOOPT);
	CHECK_ERR(setsockopt(p[0], 41, 1, &value, 4), EOPNOTSUPP);
	CHECK_EQ(getsockopt(p[0], SOL_SOCKET, SO_TYPE, &value, &n), 0);
	CHECK_EQ(n, 2);
	n = -1;
	CHECK_ERR(getsockopt(p[0], SOL_SOCKET, SO_TYPE, &value, &n), EINVAL);

	CHECK_ERR(setsockopt(p[0], SOL_SOCKET, SO_RCVTIMEO, &t, 8), EINVAL);
	CHECK_EQ(setsockopt(p[0], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)), 0);
	n = sizeof(got);
	CHECK_EQ(getsockopt(p[0], SOL_SOCKET, SO_RCVTIMEO, &got, &n), 0);
	CHECK(got.tv_sec == 0 && got.tv_usec >= 50000 && got.tv_usec < 60000);
	start = now_ms();
	CHECK_ERR(read(p[0], &c, 1), EAGAIN);
	CHECK(now_ms() - start >= 45);
	t.tv_usec = 1000000;
	CHECK_ERR(setsockopt(p[0], SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t)), EDOM);
	t.tv_usec = 50000;
	CHECK_EQ(setsockopt(p[0], SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t)), 0);
	start = now_ms();
	while (write(p[0], big, 1000) == 1000)
		;
	CHECK_EQ(errno, EAGAIN);
	CHECK(now_ms() - start >= 45);
	close_pair();

	/* An error is told once. */
	pair(SOCK_STREAM);
	write(p[0], "x", 1);
	close(p[1]);
	CHECK_EQ(option(p[0], SO_ERROR), ECONNRESET);
	CHECK_EQ(option(p[0], SO_ERROR), 0);
	CHECK_EQ(read(p[0], &c, 1), 0);
	close(p[0]);
	fd = MUST(socket(AF_UNIX, SOCK_RAW, 0));
	CHECK_EQ(option(fd, SO_TYPE), SOCK_DGRAM);
	close(fd);
}

/* --- Files sent along ------------------------------------------------------------------------- */

union control {
	struct cmsghdr h;
	char space[CMSG_SPACE(300 * sizeof(int))];
};

static ssize_t send_files(int to, const char *text, size_t n, const int *fds, int count)
{
	struct iovec v = {(void *)text, n};
	union control c;
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = &c};

	memset(&c, 0, sizeof(c));
	m.msg_controllen = CMSG_SPACE(count * sizeof(int));
	c.h = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
	c.h.cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(&c.h), fds, count * sizeof(int));
	return syscall(SYS_sendmsg, to, &m, MSG_DONTWAIT); /* musl's takes fewer */
}

/* Bytes; *count is the room and becomes the number. */
static ssize_t receive_files(int from, char *text, size_t n, int *fds, int *count, int flags,
			     int *flags_out)
{
	struct iovec v = {text, n};
	union control c;
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = &c};
	ssize_t result;

	m.msg_controllen = CMSG_SPACE(*count * sizeof(int));
	if (*count == 0)
		m.msg_controllen = 0;
	result = recvmsg(from, &m, flags | MSG_DONTWAIT);
	*count = 0;
	*flags_out = m.msg_flags;
	if (result < 0 || m.msg_controllen == 0)
		return result;
	CHECK_EQ(c.h.cmsg_level, SOL_SOCKET);
	CHECK_EQ(c.h.cmsg_type, SCM_RIGHTS);
	*count = (c.h.cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(fds, CMSG_DATA(&c.h), *count * sizeof(int));
	return result;
}

static void files_of(int type)
{
	int pipes[2], fds[300], n, flags;
	char c[16];

	pair(type);
	MUST(pipe(pipes));
	CHECK_EQ(send_files(p[0], "a", 1, pipes, 2), 1);
	close(pipes[1]); /* it lives on in the message */
	n = 2;
	CHECK_EQ(receive_files(p[1], c, 16, fds, &n, MSG_CMSG_CLOEXEC, &flags), 1);
	CHECK_EQ(n, 2);
	CHECK_EQ(flags, MSG_CMSG_CLOEXEC);
	CHECK_EQ(fcntl(fds[0], F_GETFD), FD_CLOEXEC);
	CHECK_EQ(write(fds[1], "pipe", 4), 4);
	CHECK_EQ(read(pipes[0], c, 16), 4);
	close(fds[0]);
	close(fds[1]);
	CHECK_EQ(read(pipes[0], c, 16), 0);
	/* Looked at twice, there are two. */
	CHECK_EQ(send_files(p[0], "a", 1, pipes, 1), 1);
	n = 1;
	CHECK_EQ(receive_files(p[1], c, 16, fds, &n, MSG_PEEK, &flags), 1);
	CHECK_EQ(n, 1);
	n = 1;
	CHECK_EQ(receive_files(p[1], c, 16, fds + 1, &n, 0, &flags), 1);
	CHECK_EQ(n, 1);
	CHECK_EQ(flags, 0);
	CHECK(fds[0] != fds[1]);
	close(fds[0]);
	close(fds[1]);
	close(pipes[0]);
	/* No room for all, or any: those are closed. */
	MUST(pipe(pipes));
	CHECK_EQ(send_files(p[0], "a", 1, (int[]){pipes[0], pipes[1], pipes[1]}, 3), 1);
	CHECK_EQ(send_files(p[0], "b", 1, pipes + 1, 1), 1);
	CHECK_EQ(send_files(p[0], "c", 1, pipes + 1, 1), 1);
	close(pipes[1]);
	n = 1; /* as much as two with the alignment */
	CHECK_EQ(receive_files(p[1], c, 16, fds, &n, 0, &flags), 1);
	CHECK_EQ(n, 2);
	CHECK_EQ(flags, MSG_CTRUNC);
	close(fds[0]);
	close(fds[1]);
	n = 0;
	CHECK_EQ(receive_files(p[1], c, 16, fds, &n, 0, &flags), 1);
	CHECK_EQ(flags, MSG_CTRUNC);
	CHECK_EQ(read(p[1], c, 16), 1);
	fcntl(pipes[0], F_SETFL, O_NONBLOCK);
	CHECK_EQ(read(pipes[0], c, 1), 0);
	/* What is sent wrongly. */
	CHECK_ERR(send_files(p[0], "a", 1, (int[]){pipes[0], 999}, 2), EBADF);
	for (n = 0; n < 254; n++)
		fds[n] = pipes[0];
	CHECK_ERR(send_files(p[0], "a", 1, fds, 254), EINVAL);
	CHECK_EQ(send_files(p[0], "a", 1, fds, 253), 1);
	n = 253;
	CHECK_EQ(receive_files(p[1], c, 16, fds, &n, 0, &flags), 1);
	CHECK_EQ(n, 253);
	while (n > 0)
		close(fds[--n]);
	/* Closed with a message in the queue. */
	MUST(pipe(fds));
	CHECK_EQ(send_files(p[0], "a", 1, fds + 1, 1), 1);
	close(fds[1]);
	CHECK_EQ(close(p[1]), 0);
	CHECK_EQ(read(fds[0], c, 1), 0);
	CHECK_ERR(send_files(p[0], "a", 1, fds, 1), type == SOCK_STREAM	 ? EPIPE
						    : type == SOCK_DGRAM ? ECONNREFUSED
									 : ECONNRESET);
	close(p[0]);
	close(pipes[0]);
	close(fds[0]);
	/* Nothing stayed open. */
	CHECK_EQ(MUST(dup(1)), 3);
	close(3);
}

static void files_in_streams(void)
{
	int fds[4], n, flags;
	char c[16];

	files_of(SOCK_STREAM);
	/* Bytes and files keep together: one message's files at a time. */
	pair(SOCK_STREAM);
	CHECK_EQ(write(p[0], "ab", 2), 2);
	CHECK_EQ(send_files(p[0], "cd", 2, (int[]){0}, 1), 2);
	CHECK_EQ(send_files(p[0], "ef", 2, (int[]){0, 1}, 2), 2);
	CHECK_EQ(write(p[0], "gh", 2), 2);
	n = 4;
	CHECK_EQ(receive_files(p[1], c, 16, fds, &n, 0, &flags), 4);
	CHECK_EQ(n, 1);
	close(fds[0]);
	n = 4;
	CHECK_EQ(receive_files(p[1], c, 1, fds, &n, 0, &flags), 1);
	CHECK_EQ(n, 2);
	close(fds[0]);
	close(fds[1]);
	n = 4;
	CHECK_EQ(receive_files(p[1], c, 16, fds, &n, 0, &flags), 3);
	CHECK_EQ(n, 0);
	close_pair();
}

static void files_in_datagrams(void)
{
	files_of(SOCK_DGRAM);
}

static void files_in_packets(void)
{
	files_of(SOCK_SEQPACKET);
}

/* A socket through a socket; a message for it waits meanwhile. */
static void sockets_sent(void)
{
	int outer[2], fds[2], n = 1, flags;
	char c[16];

	pair(SOCK_STREAM);
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, outer));
	CHECK_EQ(write(p[0], "inner", 5), 5);
	CHECK_EQ(send_files(outer[0], "x", 1, &p[1], 1), 1);
	close(p[1]);
	CHECK_EQ(write(p[0], " more", 5), 5);
	CHECK_EQ(receive_files(outer[1], c, 16, fds, &n, 0, &flags), 1);
	CHECK_EQ(n, 1);
	CHECK_EQ(read(fds[0], c, 16), 10);
	close(fds[0]);
	close(p[0]);
	close(outer[0]);
	close(outer[1]);
}

static void credentials(void)
{
	union control c;
	char text[4];
	struct iovec v = {text, 4};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = &c};
	struct ucred cred;
	int one = 1;

	pair(SOCK_STREAM);
	CHECK_EQ(setsockopt(p[1], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)), 0);
	CHECK_EQ(option(p[1], SO_PASSCRED), 1);
	CHECK_EQ(IN_CHILD(CHECK_EQ(write(p[0], "abc", 3), 3)), 0);
	m.msg_controllen = sizeof(c);
	CHECK_EQ(recvmsg(p[1], &m, 0), 3);
	CHECK_EQ(m.msg_controllen, CMSG_SPACE(sizeof(cred)));
	CHECK_EQ(c.h.cmsg_type, SCM_CREDENTIALS);
	CHECK_EQ(c.h.cmsg_len, CMSG_LEN(sizeof(cred)));
	memcpy(&cred, CMSG_DATA(&c.h), sizeof(cred));
	CHECK(cred.pid > getpid());
	CHECK_EQ(cred.uid, getuid());
	/* Given by oneself. */
	cred = (struct ucred){getpid(), getuid(), getgid()};
	memcpy(CMSG_DATA(&c.h), &cred, sizeof(cred));
	m.msg_controllen = CMSG_SPACE(sizeof(cred));
	v.iov_len = 1;
	CHECK_EQ(sendmsg(p[0], &m, 0), 1);
	m.msg_controllen = sizeof(c);
	CHECK_EQ(recvmsg(p[1], &m, 0), 1);
	memcpy(&cred, CMSG_DATA(&c.h), sizeof(cred));
	CHECK_EQ(cred.pid, getpid());
	c.h.cmsg_len = 1000;
	m.msg_controllen = CMSG_SPACE(sizeof(cred));
	CHECK_ERR(sendmsg(p[0], &m, 0), EINVAL);
	close_pair();
}

/* --- At the same time ------------------------------------------------------------------------- */

static void blocked_reader(void)
{
	char c[16];
	pid_t pid;

	/* The peer writes, closes, or a signal comes. */
	pair(SOCK_STREAM);
	pid = SPAWN(close(p[0]); CHECK_EQ(read(p[1], c, 16), 2); CHECK_EQ(read(p[1], c, 16), 0));
	close(p[1]);
	until_asleep(pid);
	CHECK_EQ(write(p[0], "ab", 2), 2);
	until_asleep(pid);
	close(p[0]);
	CHECK_EQ(wait_status(pid), 0);

	pair(SOCK_STREAM);
	pid =
	    SPAWN(handle(SIGUSR1, catch, 0); CHECK_ERR(read(p[1], c, 1), EINTR);
		  CHECK_EQ(caught[SIGUSR1], 1); handle(SIGUSR1, catch, SA_RESTART);
		  write(p[1], "r", 1); CHECK_EQ(read(p[1], c, 1), 1); CHECK_EQ(caught[SIGUSR1], 2));
	until_asleep(pid);
	kill(pid, SIGUSR1);
	CHECK_EQ(read(p[0], c, 1), 1);
	until_asleep(pid);
	kill(pid, SIGUSR1);
	sleep_ms(20);
	CHECK_EQ(write(p[0], "x", 1), 1);
	CHECK_EQ(wait_status(pid), 0);
	close_pair();

	/* One that is shut down by another thread of the same process. */
	pair(SOCK_STREAM);
	pid = SPAWN(CHECK_EQ(read(p[1], c, 1), 0));
	until_asleep(pid);
	CHECK_EQ(shutdown(p[1], SHUT_RD), 0);
	CHECK_EQ(wait_status(pid), 0);
	close_pair();
}

/* One write with something for each of two sleepers. */
static void two_blocked_readers(void)
{
	pid_t pid[2];
	char c;

	pair(SOCK_STREAM);
	for (int i = 0; i < 2; i++) {
		pid[i] = SPAWN(CHECK_EQ(read(p[1], &c, 1), 1));
		until_asleep(pid[i]);
	}
	CHECK_EQ(write(p[0], "ab", 2), 2);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(wait_status(pid[i]), 0);
	close_pair();
}

static void blocked_writer(void)
{
	pid_t pid;

	for (int way = 0; way < 3; way++) {
		pair(SOCK_STREAM);
		pid = SPAWN(close(p[1]); while (write(p[0], big, 1000) > 0);
			    CHECK_EQ(errno, way < 2 ? EPIPE : ECONNRESET));
		until_asleep(pid);
		if (way == 0)
			shutdown(p[1], SHUT_RD);
		if (way == 1)
			shutdown(p[0], SHUT_WR);
		if (way == 2)
			close(p[1]);
		CHECK_EQ(wait_status(pid), 0);
		close_pair();
	}
	pair(SOCK_STREAM);
	pid = SPAWN(close(p[1]); CHECK_EQ(write(p[0], big, sizeof(big)), sizeof(big)));
	close(p[0]);
	CHECK_EQ(read_all(p[1], big, sizeof(big)), sizeof(big));
	CHECK_EQ(read(p[1], big, 1), 0);
	close(p[1]);
	CHECK_EQ(wait_status(pid), 0);
	/* Datagrams to one that goes. */
	int to = make(SOCK_DGRAM, "to");
	pid = SPAWN(int from = make(SOCK_DGRAM, "from"); do_connect(from, "to"); close(to);
		    while (write(from, big, 5000) > 0); CHECK_EQ(errno, ECONNREFUSED));
	until_asleep(pid);
	close(to);
	CHECK_EQ(wait_status(pid), 0);
}

static void poll_wakes(void)
{
	struct pollfd f;
	char c[16];
	pid_t pid;
	int l;

	pair(SOCK_STREAM);
	f = (struct pollfd){.fd = p[1], .events = POLLIN};
	pid = SPAWN(CHECK_EQ(poll(&f, 1, 20000), 1); CHECK_EQ(f.revents, POLLIN));
	until_asleep(pid);
	write(p[0], "x", 1);
	CHECK_EQ(wait_status(pid), 0);
	CHECK_EQ(read(p[1], c, 16), 1);
	pid = SPAWN(close(p[0]); CHECK_EQ(poll(&f, 1, 20000), 1);
		    CHECK_EQ(f.revents, POLLIN | POLLHUP));
	until_asleep(pid);
	close(p[0]);
	CHECK_EQ(wait_status(pid), 0);
	close(p[1]);

	for (int type = SOCK_STREAM; type <= SOCK_DGRAM; type++) {
		pair(type);
		while (send(p[0], big, 1000, MSG_DONTWAIT) > 0)
			;
		f = (struct pollfd){.fd = p[0], .events = POLLOUT};
		pid = SPAWN(CHECK_EQ(poll(&f, 1, 20000), 1); CHECK_EQ(f.revents, POLLOUT));
		until_asleep(pid);
		while (recv(p[1], big, 1000, MSG_DONTWAIT) > 0)
			;
		CHECK_EQ(wait_status(pid), 0);
		close_pair();
	}

	l = make_listener(SOCK_STREAM, "polled", 5);
	f = (struct pollfd){.fd = l, .events = POLLIN};
	pid = SPAWN(CHECK_EQ(poll(&f, 1, 20000), 1); CHECK_EQ(f.revents, POLLIN));
	until_asleep(pid);
	make_client(SOCK_STREAM, "polled");
	CHECK_EQ(wait_status(pid), 0);
	syscall(SYS_close_range, 3, ~0U, 0);
}

enum { SERVERS = 4, CLIENTS = 4, TIMES = 50 };

static void serve(int l)
{
	char c[8];

	for (;;) {
		int s = accept(l, NULL, NULL);

		if (!CHECK(s >= 0) || read(s, c, 8) != 4)
			_exit(1);
		if (memcmp(c, "stop", 4) == 0)
			_exit(check_failures != 0);
		CHECK_EQ(write(s, c, 4), 4);
		close(s);
	}
}

static void ask(const char *text)
{
	int c = make_client(SOCK_STREAM, "many");
	char answer[8];

	CHECK_EQ(write(c, text, 4), 4);
	CHECK_EQ(read(c, answer, 8), strcmp(text, "stop") ? 4 : 0);
	close(c);
}

static void one_listener_for_many(void)
{
	int l = make_listener(SOCK_STREAM, "many", 2);
	pid_t servers[SERVERS], clients[CLIENTS];

	for (int i = 0; i < SERVERS; i++)
		servers[i] = SPAWN(serve(l));
	for (int i = 0; i < CLIENTS; i++)
		clients[i] = SPAWN(for (int k = 0; k < TIMES; k++) ask("text"));
	for (int i = 0; i < CLIENTS; i++)
		CHECK_EQ(wait_status(clients[i]), 0);
	for (int i = 0; i < SERVERS; i++)
		ask("stop");
	for (int i = 0; i < SERVERS; i++)
		CHECK_EQ(wait_status(servers[i]), 0);
	close(l);
}

/* Ends that several processes share: each message comes to one, none is lost. */
static void shared_ends(void)
{
	pid_t readers[4], writers[4];
	_Atomic int *sum = map_shared(PAGE);
	int value;

	pair(SOCK_SEQPACKET);
	for (int i = 0; i < 4; i++)
		readers[i] = SPAWN(close(p[0]); while (read(p[1], &value, sizeof(value)) ==
						       sizeof(value)) *sum += value);
	for (int i = 0; i < 4; i++)
		writers[i] = SPAWN(for (value = 1; value <= 1000; value++)
				       CHECK_EQ(write(p[0], &value, sizeof(value)), sizeof(value)));
	for (int i = 0; i < 4; i++)
		CHECK_EQ(wait_status(writers[i]), 0);
	close_pair();
	for (int i = 0; i < 4; i++)
		CHECK_EQ(wait_status(readers[i]), 0);
	CHECK_EQ(*sum, 4 * 1000 * 1001 / 2);
}

static void *closer(void *arg)
{
	sleep_ms(1 + (long)arg % 3);
	close(p[0]);
	return NULL;
}

/* One end closes while the other is used in every way. */
static void closing_races(void)
{
	pthread_t t;

	for (long i = 0; i < 60; i++) {
		struct pollfd f = {.events = POLLIN};

		pair(i % 2 ? SOCK_STREAM : SOCK_SEQPACKET);
		f.fd = p[1];
		CHECK_EQ(pthread_create(&t, NULL, closer, (void *)i), 0);
		if (i % 3 == 0)
			CHECK_EQ(poll(&f, 1, 20000), 1);
		else if (i % 3 == 1)
			CHECK_EQ(read(p[1], big, 10), 0);
		else
			while (send(p[1], big, 1000, MSG_NOSIGNAL) > 0)
				;
		pthread_join(t, NULL);
		close(p[1]);
	}
}

/* Whatever the program sends over itself, a bound amount remains, and the machine lives. */
static void circles(void)
{
	for (int i = 0; i < 50; i++) {
		int a[2], b[2];

		MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, a));
		MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, b));
		send_files(a[0], "x", 1, &a[1], 1);
		send_files(a[0], "x", 1, &a[0], 1);
		send_files(a[0], "x", 1, &b[1], 1);
		send_files(b[0], "x", 1, &a[1], 1);
		for (int k = 0; k < 2; k++) {
			close(a[k]);
			close(b[k]);
		}
		int l = make_listener(SOCK_STREAM, "circle", 5),
		    c = make_client(SOCK_STREAM, "circle");
		send_files(c, "x", 1, &l, 1);
		close(l);
		close(c);
	}
}

int main(void)
{
	check_start_in_directory();
	handle(SIGPIPE, catch, 0);
	RUN(arguments);
	RUN(stream);
	RUN(full_and_empty);
	RUN(ends);
	RUN(half_closed);
	RUN(datagrams);
	RUN(packets);
	RUN(wait_all);
	RUN(names);
	RUN(addressed_datagrams);
	RUN(stream_connections);
	RUN(packet_connections);
	RUN(connect_waits);
	RUN(options);
	RUN(files_in_streams);
	RUN(files_in_datagrams);
	RUN(files_in_packets);
	RUN(sockets_sent);
	RUN(credentials);
	RUN(blocked_reader);
	RUN(two_blocked_readers);
	RUN(blocked_writer);
	RUN(poll_wakes);
	RUN(one_listener_for_many);
	RUN(shared_ends);
	RUN(closing_races);
	RUN(circles);
	return check_end();
}
