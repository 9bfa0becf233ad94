/* SPDX-License-Identifier: MIT
 *
 * UNIX sockets: names and connections.
 */
#include "sockets.h"

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

/* A datagram socket that goes to another peer loses what came from the old one, who is told of that
 * before anything else, if it has lost something and is connected to us. */
static void reconnected(bool unread)
{
	struct sockaddr a = {.sa_family = AF_UNSPEC};
	char text[4];
	int other = make(SOCK_DGRAM, "other");

	pair(SOCK_DGRAM);
	if (unread)
		CHECK_EQ(write(p[1], "lost", 4), 4);
	CHECK_EQ(write(p[0], "kept", 4), 4);
	CHECK_EQ(unread ? do_connect(p[0], "other") : connect(p[0], &a, sizeof(a)), 0);
	if (unread)
		CHECK_ERR(read(p[1], text, 4), ECONNRESET);
	CHECK_EQ(read(p[1], text, 4), 4);
	CHECK_EQ(memcmp(text, "kept", 4), 0);
	CHECK_EQ(option(p[1], SO_ERROR), 0);
	CHECK_EQ(recv(p[0], text, 4, MSG_DONTWAIT), -1);
	close_pair();
	close(other);
}

static void peers_of_datagrams(void)
{
	reconnected(true);
	reconnected(false);
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

int main(void)
{
	check_start_in_directory();
	handle(SIGPIPE, catch, 0);
	RUN(names);
	RUN(addressed_datagrams);
	RUN(stream_connections);
	RUN(packet_connections);
	RUN(peers_of_datagrams);
	RUN(connect_waits);
	return check_end();
}
