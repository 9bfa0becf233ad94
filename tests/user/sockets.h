/* SPDX-License-Identifier: MIT
 *
 * What the programs that test UNIX sockets share.
 */
#pragma once

#include <poll.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "check.h"

static int p[2]; /* the pair in hand */
MAYBE char big[300000];

MAYBE void pair(int type)
{
	MUST(socketpair(AF_UNIX, type, 0, p));
}

MAYBE void close_pair(void)
{
	close(p[0]);
	close(p[1]);
}

MAYBE short bits(int fd)
{
	struct pollfd f = {.fd = fd, .events = POLLIN | POLLOUT | POLLRDHUP};

	CHECK(poll(&f, 1, 0) >= 0);
	return f.revents;
}

MAYBE ssize_t read_all(int fd, char *buffer, size_t size)
{
	size_t done = 0;
	ssize_t n;

	while (done < size && (n = read(fd, buffer + done, size - done)) > 0)
		done += n;
	return done;
}

/* A name in the file system, or with '@' an abstract one. */
MAYBE socklen_t name_of(struct sockaddr_un *a, const char *name)
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

MAYBE int do_bind(int fd, const char *name)
{
	struct sockaddr_un a;
	socklen_t n = name_of(&a, name);

	return bind(fd, (struct sockaddr *)&a, n);
}

MAYBE int do_connect(int fd, const char *name)
{
	struct sockaddr_un a;
	socklen_t n = name_of(&a, name);

	return connect(fd, (struct sockaddr *)&a, n);
}

MAYBE ssize_t send_to(int fd, const char *text, const char *name)
{
	struct sockaddr_un a;
	socklen_t n = name_of(&a, name);

	return sendto(fd, text, strlen(text), 0, (struct sockaddr *)&a, n);
}

MAYBE int make(int type, const char *name)
{
	int fd = MUST(socket(AF_UNIX, type, 0));

	unlink(name);
	MUST(do_bind(fd, name));
	return fd;
}

MAYBE int make_listener(int type, const char *name, int backlog)
{
	int fd = make(type, name);

	MUST(listen(fd, backlog));
	return fd;
}

MAYBE int make_client(int type, const char *name)
{
	int fd = MUST(socket(AF_UNIX, type, 0));

	MUST(do_connect(fd, name));
	return fd;
}

/* Wait until a process sleeps, and not just for a moment. */
MAYBE void until_asleep(pid_t pid)
{
	for (int i = 0; i < 5; i++) {
		WAIT_UNTIL(process_state(pid) == 'S');
		sleep_ms(2);
	}
}

MAYBE int option(int fd, int name)
{
	int value = -1;
	socklen_t n = sizeof(value);

	CHECK_EQ(getsockopt(fd, SOL_SOCKET, name, &value, &n), 0);
	CHECK_EQ(n, sizeof(value));
	return value;
}

union control {
	struct cmsghdr h;
	char space[CMSG_SPACE(300 * sizeof(int))];
};

MAYBE ssize_t send_files(int to, const char *text, size_t n, const int *fds, int count)
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
MAYBE ssize_t receive_files(int from, char *text, size_t n, int *fds, int *count, int flags,
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
