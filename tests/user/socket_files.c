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

/* A read ends with the message that brings files; what is left of that message is plain bytes. */
static void files_between_bytes(void)
{
	static char big[6000], got[6000];
	int pipes[2], fds[4], n = 1, flags;
	char c[16];

	pair(SOCK_STREAM);
	MUST(pipe(pipes));
	CHECK_EQ(write(p[0], "ab", 2), 2);
	CHECK_EQ(send_files(p[0], "cd", 2, pipes, 1), 2);
	CHECK_EQ(write(p[0], "ef", 2), 2);
	CHECK_EQ(send_files(p[0], "g", 1, pipes, 1), 1);
	CHECK_EQ(receive_files(p[1], c, 16, fds, &n, MSG_PEEK, &flags), 4);
	CHECK_EQ(n, 1);
	close(fds[0]);
	CHECK_EQ(receive_files(p[1], c, 3, fds, &n, 0, &flags), 3);
	CHECK_EQ(n, 1);
	CHECK_EQ(memcmp(c, "abc", 3), 0);
	close(fds[0]);
	CHECK_EQ(receive_files(p[1], c, 2, fds, &n, 0, &flags), 2);
	CHECK_EQ(n, 0);
	CHECK_EQ(memcmp(c, "de", 2), 0);
	CHECK_EQ(read(p[1], c, 16), 2); /* the file is closed */
	CHECK_EQ(memcmp(c, "fg", 2), 0);
	/* More than a page, looked at first. */
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)(i % 251);
	CHECK_EQ(write(p[0], "123", 3), 3);
	CHECK_EQ(read(p[1], c, 1), 1);
	CHECK_EQ(write(p[0], big, sizeof(big)), (long)sizeof(big));
	CHECK_EQ(recv(p[1], got, sizeof(got), MSG_PEEK), (long)sizeof(got));
	CHECK_EQ(memcmp(got + 2, big, sizeof(got) - 2), 0);
	CHECK_EQ(read(p[1], c, 2), 2);
	CHECK_EQ(read(p[1], got, sizeof(got)), (long)sizeof(got));
	CHECK_EQ(memcmp(got, big, sizeof(got)), 0);
	close(pipes[0]);
	close(pipes[1]);
	close_pair();
}

/* Send a file with each byte until that fails; how many. */
static int send_many_files(int error)
{
	int n = 0;

	while (send_files(p[0], "a", 1, (int[]){0}, 1) == 1)
		n++;
	CHECK_EQ(errno, error);
	return n;
}

/* A user has at most as many files in flight as a process may open.  Each child is a user of its
 * own. */
static void files_of_a_user(void)
{
	int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};

	for (int i = 0; i < 3; i++)
		CHECK_EQ(IN_CHILD(struct rlimit few = {8, 8}; int fd; int n = 1; int flags; char c;
				  MUST(setrlimit(RLIMIT_NOFILE, &few));
				  MUST(setuid(20000 + getpid() % 40000));
				  pair(types[i]); CHECK_EQ(send_many_files(ETOOMANYREFS), 9);
				  CHECK_EQ(write(p[0], "b", 1), 1);
				  CHECK_EQ(receive_files(p[1], &c, 1, &fd, &n, 0, &flags), 1);
				  CHECK_EQ(n, 1); CHECK_EQ(send_many_files(ETOOMANYREFS), 1);
				  /* All are given back with the socket. */
				  close_pair(); pair(types[i]);
				  CHECK_EQ(send_many_files(ETOOMANYREFS), 9); close_pair()),
			 0);
}

/* What comes with a byte takes room, too. */
static void room_of_files(void)
{
	int n, fd, flags;
	char c;

	pair(SOCK_STREAM);
	MUST(fcntl(p[0], F_SETFL, O_NONBLOCK));
	n = send_many_files(EAGAIN);
	CHECK(n > 50 && n < 10000);
	CHECK_EQ(bits(p[0]), 0);
	while (n-- > 0) {
		int count = 1;

		CHECK_EQ(receive_files(p[1], &c, 1, &fd, &count, 0, &flags), 1);
		close(fd);
	}
	CHECK_EQ(bits(p[0]), POLLOUT);
	CHECK(send_many_files(EAGAIN) > 50);
	close_pair();
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

static ssize_t send_as(pid_t pid, uid_t uid, gid_t gid)
{
	struct ucred cred = {pid, uid, gid};
	struct iovec v = {"c", 1};
	union control c = {.h = {.cmsg_level = SOL_SOCKET,
				 .cmsg_type = SCM_CREDENTIALS,
				 .cmsg_len = CMSG_LEN(sizeof(cred))}};
	struct msghdr m = {.msg_iov = &v,
			   .msg_iovlen = 1,
			   .msg_control = &c,
			   .msg_controllen = CMSG_SPACE(sizeof(cred))};

	memcpy(CMSG_DATA(&c.h), &cred, sizeof(cred));
	return sendmsg(p[0], &m, 0);
}

/* The bytes of one recvmsg(), and who sent them. */
static ssize_t receive_from(struct ucred *cred)
{
	char text[16];
	struct iovec v = {text, sizeof(text)};
	union control c;
	struct msghdr m = {.msg_iov = &v,
			   .msg_iovlen = 1,
			   .msg_control = &c,
			   .msg_controllen = sizeof(c)};
	ssize_t n = recvmsg(p[1], &m, MSG_DONTWAIT);

	CHECK_EQ(c.h.cmsg_type, SCM_CREDENTIALS);
	memcpy(cred, CMSG_DATA(&c.h), sizeof(*cred));
	return n;
}

/* Messages tell of real ids, connections of effective ones; whoever is not root may name any of his
 * own.  What one recvmsg() gives is all of one sender. */
static void identities(void)
{
	struct ucred cred;
	socklen_t n = sizeof(cred);
	int one = 1;
	pid_t pid;

	pair(SOCK_STREAM);
	CHECK_EQ(setsockopt(p[1], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)), 0);
	CHECK_EQ(write(p[0], "ab", 2), 2);
	CHECK_EQ(write(p[0], "cd", 2), 2);
	pid = SPAWN(CHECK_EQ(write(p[0], "efg", 3), 3); MUST(setresgid(11, 12, 13));
		    MUST(setresuid(21, 22, 23)); CHECK_EQ(write(p[0], "h", 1), 1);
		    CHECK_EQ(send_as(getpid(), 23, 12), 1);
		    CHECK_ERR(send_as(getpid(), 24, 12), EPERM);
		    CHECK_ERR(send_as(getpid(), 22, 0), EPERM);
		    CHECK_ERR(send_as(getppid(), 21, 11), EPERM));
	CHECK_EQ(wait_status(pid), 0);
	CHECK_EQ(receive_from(&cred), 4);
	CHECK_EQ(cred.pid, getpid());
	CHECK_EQ(receive_from(&cred), 3);
	CHECK_EQ(cred.pid, pid);
	CHECK_EQ(cred.uid, 0);
	CHECK_EQ(receive_from(&cred), 1);
	CHECK_EQ(cred.uid, 21);
	CHECK_EQ(cred.gid, 11);
	CHECK_EQ(receive_from(&cred), 1);
	CHECK_EQ(cred.uid, 23);
	CHECK_EQ(cred.gid, 12);
	CHECK_ERR(send_as(INT_MAX, 0, 0), ESRCH);
	CHECK_EQ(send_as(1, 4711, 4712), 1);
	CHECK_EQ(receive_from(&cred), 1);
	CHECK_EQ(cred.pid, 1);
	CHECK_EQ(cred.uid, 4711);
	close_pair();
	CHECK_EQ(IN_CHILD(MUST(setresuid(21, 22, 23)); pair(SOCK_STREAM);
			  CHECK_EQ(getsockopt(p[0], SOL_SOCKET, SO_PEERCRED, &cred, &n), 0);
			  CHECK_EQ(cred.uid, 22)),
		 0);
}

/* A look at the bytes of many senders at once, and at those of one. */
static void many_senders(void)
{
	enum { COUNT = 60 };
	char got[4 * COUNT + 1] = "", want[4 * COUNT + 1] = "";
	struct ucred cred;
	int one = 1;

	pair(SOCK_STREAM);
	for (int i = 0; i < COUNT; i++) {
		CHECK_EQ(send_as(1, i % 2, 0), 1);
		strcat(want, "c");
		if (i % 3 == 0) {
			CHECK_EQ(write(p[0], "mno", 3), 3);
			strcat(want, "mno");
		}
	}
	for (int i = 0; i < 2; i++) {
		memset(got, 0, sizeof(got));
		CHECK_EQ(recv(p[1], got, sizeof(got), MSG_PEEK), (long)strlen(want));
		CHECK_EQ(strcmp(got, want), 0);
		CHECK_EQ(recv(p[1], got, 3, MSG_PEEK), 3);
	}
	CHECK_EQ(read(p[1], got, 2), 2);
	CHECK_EQ(recv(p[1], got, sizeof(got), MSG_PEEK), (long)strlen(want) - 2);
	CHECK_EQ(memcmp(got, want + 2, strlen(want) - 2), 0);
	CHECK_EQ(setsockopt(p[1], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)), 0);
	CHECK_EQ(recv(p[1], got, sizeof(got), MSG_PEEK), 2);
	CHECK_EQ(receive_from(&cred), 2);
	CHECK_EQ(recv(p[1], got, sizeof(got), MSG_PEEK), 1);
	CHECK_EQ(receive_from(&cred), 1);
	CHECK_EQ(cred.uid, 1);
	close_pair();
}

/* Who wants to be told of senders gets a name to answer to, where messages have names. */
static void names_of_senders(void)
{
	int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET}, one = 1;
	struct sockaddr_un a;

	for (int i = 0; i < 3; i++) {
		socklen_t n = sizeof(a);

		pair(types[i]);
		CHECK_EQ(setsockopt(p[0], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)), 0);
		CHECK_EQ(write(p[0], "x", 1), 1);
		CHECK_EQ(getsockname(p[0], (struct sockaddr *)&a, &n), 0);
		CHECK_EQ(n, types[i] == SOCK_STREAM ? 2 : 8);
		close_pair();
	}
}

static void too_much_control(void)
{
	static char much[1 << 20];
	struct iovec v = {"c", 1};
	struct msghdr m = {
	    .msg_iov = &v, .msg_iovlen = 1, .msg_control = much, .msg_controllen = sizeof(much)};

	pair(SOCK_STREAM);
	for (size_t at = 0; at < sizeof(much); at += CMSG_SPACE(0))
		memcpy(much + at,
		       &(struct cmsghdr){.cmsg_len = CMSG_LEN(0), .cmsg_level = SOL_SOCKET + 1},
		       sizeof(struct cmsghdr));
	CHECK_ERR(syscall(SYS_sendmsg, p[0], &m, 0), ENOBUFS);
	m.msg_controllen = 16 * CMSG_SPACE(0);
	CHECK_EQ(syscall(SYS_sendmsg, p[0], &m, 0), 1);
	close_pair();
}

int main(void)
{
	check_start_in_directory();
	handle(SIGPIPE, catch, 0);
	RUN(files_in_streams);
	RUN(files_between_bytes);
	RUN(files_in_datagrams);
	RUN(files_in_packets);
	RUN(sockets_sent);
	RUN(files_of_a_user);
	RUN(room_of_files);
	RUN(credentials);
	RUN(identities);
	RUN(many_senders);
	RUN(names_of_senders);
	RUN(too_much_control);
	return check_end();
}
