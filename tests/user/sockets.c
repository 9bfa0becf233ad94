/* SPDX-License-Identifier: MIT
 *
 * UNIX sockets: pairs, messages, ends, options.
 */
#include "sockets.h"

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

/* Bytes of a stream stay in order, however the writes and reads are cut, in buffers of each size.
 */
static void in_order(void)
{
	static const int sizes[] = {1, 20000, 100000, 1000000};
	uint32_t random = 1;

	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		uint8_t put = 0, got = 0;

		pair(SOCK_STREAM);
		MUST(fcntl(p[0], F_SETFL, O_NONBLOCK));
		MUST(fcntl(p[1], F_SETFL, O_NONBLOCK));
		CHECK_EQ(setsockopt(p[0], SOL_SOCKET, SO_SNDBUF, &sizes[i], sizeof(int)), 0);
		for (int round = 0; round < 60; round++) {
			ssize_t n;

			/* Fill the socket, or nearly; then read some or all of it. */
			do {
				size_t size = (random = random * 69069 + 1) >> 15 & 0xffff;

				for (size_t j = 0; j <= size; j++)
					big[j] = (char)(put + j);
				n = write(p[0], big, size + 1);
				put += n > 0 ? (uint8_t)n : 0;
			} while (n > 0 && random & 0x300);
			do {
				n = read(p[1], big, random % 100000 + 1);
				for (ssize_t j = 0; j < n; j++)
					if (!CHECK_EQ((uint8_t)big[j], (uint8_t)(got + j)))
						break;
				got += n > 0 ? (uint8_t)n : 0;
			} while (n > 0 && (random = random * 69069 + 1) & 0x30000);
		}
		close_pair();
	}
}

/* A reader sees a write of some pages at once. */
static void in_one_step(void)
{
	enum { SIZE = 30000 };
	pid_t child;

	pair(SOCK_STREAM);
	child = SPAWN({
		char byte = 0;

		for (int i = 0; i < 50; i++) {
			if (!CHECK_EQ(read(p[1], big, sizeof(big)), SIZE))
				break;
			MUST(write(p[1], &byte, 1));
		}
		close(p[1]);
	});
	close(p[1]);
	for (int i = 0; i < 50; i++) {
		char byte;

		if (write(p[0], big, SIZE) != SIZE || read(p[0], &byte, 1) != 1)
			break;
	}
	close(p[0]);
	CHECK_EQ(wait_status(child), 0);
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

/* --- Options ---------------------------------------------------------------------------------- */

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
	/* Less than nothing: not at all; nothing: for ever. */
	t.tv_sec = -1;
	CHECK_EQ(setsockopt(p[0], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)), 0);
	CHECK_ERR(read(p[0], &c, 1), EAGAIN);
	n = sizeof(got);
	CHECK_EQ(getsockopt(p[0], SOL_SOCKET, SO_RCVTIMEO, &got, &n), 0);
	CHECK(got.tv_sec == 0 && got.tv_usec == 0);
	t.tv_sec = 0;
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

int main(void)
{
	check_start_in_directory();
	handle(SIGPIPE, catch, 0);
	RUN(arguments);
	RUN(stream);
	RUN(full_and_empty);
	RUN(in_order);
	RUN(in_one_step);
	RUN(ends);
	RUN(half_closed);
	RUN(datagrams);
	RUN(packets);
	RUN(wait_all);
	RUN(options);
	return check_end();
}
