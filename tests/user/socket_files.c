/* SPDX-License-Identifier: MIT
 *
 * UNIX sockets: files and credentials sent along.
 */
#include "sockets.h"

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

int main(void)
{
	check_start_in_directory();
	handle(SIGPIPE, catch, 0);
	RUN(files_in_streams);
	RUN(files_in_datagrams);
	RUN(files_in_packets);
	RUN(sockets_sent);
	RUN(credentials);
	return check_end();
}
