/* SPDX-License-Identifier: MIT
 *
 * Pipes and FIFOs: atomic writes, full and empty, ends closed, signals in between.
 */
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "check.h"

static int p[2];
static char big[300000];

static void open_pipe(int flags)
{
	MUST(pipe2(p, flags));
}

static void close_pipe(void)
{
	close(p[0]);
	close(p[1]);
}

static short bits(int fd)
{
	struct pollfd f = {.fd = fd, .events = POLLIN | POLLOUT};

	CHECK(poll(&f, 1, 0) >= 0);
	return f.revents;
}

/* Does poll() return these bits?  Also true in a kernel without poll(). */
static bool has_bits(int fd, short want)
{
	return !has_call(SYS_poll) || bits(fd) == want;
}

/* The bytes in the pipe. */
static int queued(int fd)
{
	int n = -1;

	CHECK_EQ(ioctl(fd, FIONREAD, &n), 0);
	return n;
}

/* Read exactly so much. */
static ssize_t read_all(int fd, char *buffer, size_t size)
{
	size_t done = 0;
	ssize_t n;

	while (done < size && (n = read(fd, buffer + done, size - done)) > 0)
		done += n;
	return done;
}

static void simple(void)
{
	char c[16];

	open_pipe(0);
	CHECK_EQ(write(p[1], "hello", 5), 5);
	CHECK_EQ(write(p[1], "world", 5), 5);
	CHECK_EQ(read(p[0], c, 3), 3);
	CHECK_EQ(read(p[0], c + 3, 16 - 3), 7);
	CHECK_EQ(memcmp(c, "helloworld", 10), 0);
	CHECK_ERR(read(p[1], c, 1), EBADF);
	CHECK_ERR(write(p[0], c, 1), EBADF);
	CHECK_EQ(write(p[1], c, 0), 0);
	close(p[1]);
	CHECK_EQ(read(p[0], c, 1), 0);
	close(p[0]);
	CHECK_ERR(pipe2(p, 0x10), EINVAL);
	CHECK_ERR(syscall(SYS_pipe, BAD), EFAULT);
	/* Nothing stayed open. */
	int fd = MUST(dup(1));
	CHECK(fd == p[0] || fd == p[1] || fd == 3);
	close(fd);
}

static void full_and_empty(void)
{
	int total = 0, n;
	char c;

	open_pipe(O_NONBLOCK);
	CHECK_ERR(read(p[0], &c, 1), EAGAIN);
	while ((n = write(p[1], big, 1000)) > 0)
		total += n;
	CHECK_EQ(errno, EAGAIN);
	CHECK(total >= 64000 && total <= 65536);
	CHECK_EQ(ioctl(p[0], FIONREAD, &n), 0);
	CHECK_EQ(n, total);
	CHECK_EQ(read_all(p[0], big, total), total);
	/* A whole capacity in one go; more is cut; then nothing. */
	CHECK_EQ(write(p[1], big, 100000), 65536);
	CHECK_ERR(write(p[1], big, 1), EAGAIN);
	/* Up to PIPE_BUF all or nothing, beyond that a part. */
	CHECK_EQ(read_all(p[0], big, 8192), 8192);
	CHECK_EQ(write(p[1], big, 4096), 4096);
	CHECK_EQ(write(p[1], big, 5000), 4096);
	CHECK_ERR(write(p[1], big, 4096), EAGAIN);
	close_pipe();
}

static void sizes(void)
{
	int size;

	open_pipe(O_NONBLOCK);
	size = fcntl(p[1], F_GETPIPE_SZ);
	close_pipe();
	SKIP_IF(size < 0, "no sizes");
	CHECK_EQ(size, 65536);
	open_pipe(O_NONBLOCK);
	CHECK_EQ(fcntl(p[1], F_SETPIPE_SZ, 5000), 8192);
	CHECK_EQ(fcntl(p[0], F_GETPIPE_SZ), 8192);
	CHECK_EQ(write(p[1], big, 20000), 8192);
	CHECK_ERR(fcntl(p[1], F_SETPIPE_SZ, 4096), EBUSY);
	CHECK_EQ(fcntl(p[1], F_SETPIPE_SZ, 16384), 16384);
	CHECK_EQ(write(p[1], big, 20000), 8192);
	close_pipe();
}

/* A user without capabilities cannot enlarge any number of pipes. */
static void sizes_of_a_user(void)
{
	int many[100][2], enlarged = 0;

	SKIP_IF(fcntl(0, F_GETPIPE_SZ) < 0 && errno == EINVAL, "no sizes");
	SKIP_IF(!has_call(SYS_setuid), "no users");
	CHECK_EQ(IN_CHILD({
			 if (geteuid() == 0)
				 MUST(syscall(SYS_setuid, 54321));
			 for (int i = 0; i < 100; i++) {
				 MUST(pipe(many[i]));
				 if (fcntl(many[i][0], F_SETPIPE_SZ, 1 << 20) == 1 << 20)
					 enlarged++;
				 else
					 CHECK_EQ(errno, EPERM);
			 }
			 CHECK(enlarged > 0 && enlarged <= 64);
			 /* Another one can be if one is closed, or made smaller, but not before. */
			 CHECK_ERR(fcntl(many[99][0], F_SETPIPE_SZ, 1 << 20), EPERM);
			 CHECK_EQ(fcntl(many[99][0], F_SETPIPE_SZ, 4096), 4096);
			 CHECK_EQ(fcntl(many[0][0], F_SETPIPE_SZ, 65536), 65536);
			 close(many[1][0]);
			 close(many[1][1]);
			 CHECK_EQ(fcntl(many[99][0], F_SETPIPE_SZ, 1 << 20), 1 << 20);
		 }),
		 0);
}

static void poll_bits(void)
{
	char c;

	SKIP_IF(!has_call(SYS_poll), "no poll()");
	open_pipe(O_NONBLOCK);
	CHECK_EQ(bits(p[0]), 0);
	CHECK_EQ(bits(p[1]), POLLOUT);
	CHECK_EQ(write(p[1], "x", 1), 1);
	CHECK_EQ(bits(p[0]), POLLIN);
	close(p[1]);
	CHECK_EQ(bits(p[0]), POLLIN | POLLHUP);
	CHECK_EQ(read(p[0], &c, 1), 1);
	CHECK_EQ(bits(p[0]), POLLHUP);
	close(p[0]);
	open_pipe(O_NONBLOCK);
	close(p[0]);
	CHECK_EQ(bits(p[1]), POLLOUT | POLLERR);
	close(p[1]);
	open_pipe(O_NONBLOCK);
	CHECK_EQ(write(p[1], big, 100000), 65536);
	CHECK_EQ(bits(p[1]), 0);
	CHECK_EQ(read_all(p[0], big, 65536), 65536);
	CHECK_EQ(bits(p[1]), POLLOUT);
	close_pipe();
}

static void broken(void)
{
	open_pipe(0);
	close(p[0]);
	CHECK_EQ(IN_CHILD((void)!write(p[1], "x", 1)), KILLED(SIGPIPE));
	handle(SIGPIPE, catch, 0);
	CHECK_ERR(write(p[1], "x", 1), EPIPE);
	CHECK_EQ(caught[SIGPIPE], 1);
	handle(SIGPIPE, SIG_IGN, 0);
	CHECK_ERR(write(p[1], "x", 1), EPIPE);
	close(p[1]);
	/* While a writer sleeps: the signal comes with the short count, too. */
	open_pipe(0);
	handle(SIGPIPE, catch, 0);
	caught[SIGPIPE] = 0;
	pid_t child = SPAWN(close(p[0]); CHECK_EQ(write(p[1], big, 65536 + 100), 65536);
			    CHECK_EQ(caught[SIGPIPE], 1); CHECK_ERR(write(p[1], big, 1), EPIPE);
			    CHECK_EQ(caught[SIGPIPE], 2));
	close(p[1]);
	WAIT_UNTIL(queued(p[0]) == 65536 && is_asleep(child));
	close(p[0]);
	CHECK_EQ(wait_status(child), 0);
	/* The same after some of it was read. */
	open_pipe(0);
	caught[SIGPIPE] = 0;
	child = SPAWN(ssize_t n; close(p[0]); n = write(p[1], big, 4 * 65536);
		      CHECK(n > 2 * 65536 && n <= 3 * 65536); CHECK_EQ(caught[SIGPIPE], 1));
	close(p[1]);
	CHECK_EQ(read_all(p[0], big, 2 * 65536), 2 * 65536);
	/* A page that was read in part takes room: the pipe may hold less than 64 KiB. */
	WAIT_UNTIL(queued(p[0]) > 65536 - 2 * PAGE && is_asleep(child));
	close(p[0]);
	CHECK_EQ(wait_status(child), 0);
	handle(SIGPIPE, SIG_DFL, 0);
}

/* Records of at most PIPE_BUF bytes of several writers never mix. */
static void atomicity(void)
{
	enum { WRITERS = 4, RECORDS = 200, SIZE = 700 };
	int counts[WRITERS] = {0};
	pid_t children[WRITERS];
	char record[SIZE];

	open_pipe(0);
	for (int w = 0; w < WRITERS; w++)
		children[w] = SPAWN(close(p[0]); memset(record, 'a' + w, SIZE);
				    for (int i = 0; i < RECORDS; i++)
					CHECK_EQ(write(p[1], record, SIZE), SIZE));
	close(p[1]);
	while (read_all(p[0], record, SIZE) == SIZE) {
		int w = record[0] - 'a';

		if (!CHECK(w >= 0 && w < WRITERS))
			break;
		counts[w]++;
		for (int i = 1; i < SIZE; i++)
			if (!CHECK_EQ(record[i], record[0]))
				return;
	}
	for (int w = 0; w < WRITERS; w++) {
		CHECK_EQ(counts[w], RECORDS);
		CHECK_EQ(wait_status(children[w]), 0);
	}
	close(p[0]);
}

/* A long write and reads of odd sizes. */
static void stream(void)
{
	static char in[sizeof(big)];
	size_t done = 0;
	ssize_t n;

	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = i % 249 + i / 4096;
	open_pipe(0);
	pid_t child = SPAWN(close(p[0]); CHECK_EQ(write(p[1], big, sizeof(big)), sizeof(big)));
	close(p[1]);
	for (int step = 1; (n = read(p[0], in + done, step)) > 0; step = step % 9000 + 777)
		done += n;
	CHECK_EQ(done, sizeof(big));
	CHECK_EQ(memcmp(in, big, sizeof(big)), 0);
	CHECK_EQ(wait_status(child), 0);
	close(p[0]);
}

static void bad_memory(void)
{
	char c[8];

	open_pipe(O_NONBLOCK);
	CHECK_ERR(write(p[1], BAD, 5), EFAULT);
	CHECK_EQ(queued(p[0]), 0);
	CHECK_EQ(write(p[1], "data", 4), 4);
	CHECK_ERR(read(p[0], BAD, 4), EFAULT);
	CHECK_EQ(read(p[0], c, 8), 4);
	CHECK_EQ(memcmp(c, "data", 4), 0);
	close_pipe();
}

static void interrupted(void)
{
	pid_t child;

	open_pipe(0);
	/* Without SA_RESTART the read fails, */
	child = SPAWN(handle(SIGUSR1, catch, 0); char c; CHECK_ERR(read(p[0], &c, 1), EINTR);
		      CHECK_EQ(caught[SIGUSR1], 1));
	WAIT_UNTIL(is_asleep(child));
	sleep_ms(20);
	kill(child, SIGUSR1);
	CHECK_EQ(wait_status(child), 0);
	/* with it goes on. */
	child = SPAWN(handle(SIGUSR1, catch, SA_RESTART); char c; CHECK_EQ(read(p[0], &c, 1), 1);
		      CHECK_EQ(caught[SIGUSR1], 1));
	WAIT_UNTIL(is_asleep(child));
	sleep_ms(20);
	kill(child, SIGUSR1);
	sleep_ms(20);
	CHECK_EQ(write(p[1], "x", 1), 1);
	CHECK_EQ(wait_status(child), 0);
	/* A write that got somewhere says how far. */
	child =
	    SPAWN(handle(SIGUSR1, catch, SA_RESTART);
		  CHECK_EQ(write(p[1], big, 65536 + 4096), 65536); CHECK_EQ(caught[SIGUSR1], 1));
	WAIT_UNTIL(queued(p[0]) == 65536 && is_asleep(child));
	sleep_ms(20);
	kill(child, SIGUSR1);
	CHECK_EQ(wait_status(child), 0);
	close_pipe();
}

static void fifo(void)
{
	char c[8];
	pid_t child;
	int r, w;

	SKIP_IF(!has_call(SYS_mknod), "no FIFOs");
	CHECK_EQ(mkfifo("fifo", 0600), 0);
	CHECK_ERR(open("fifo", O_WRONLY | O_NONBLOCK), ENXIO);
	r = open("fifo", O_RDONLY | O_NONBLOCK);
	SKIP_IF(r < 0 && errno == ENXIO, "no FIFOs");
	CHECK(r >= 0);
	CHECK_EQ(read(r, c, 1), 0);
	CHECK(has_bits(r, 0));
	w = MUST(open("fifo", O_WRONLY | O_NONBLOCK));
	CHECK_ERR(read(r, c, 1), EAGAIN);
	CHECK_EQ(write(w, "abc", 3), 3);
	CHECK_EQ(read(r, c, 8), 3);
	CHECK_ERR(lseek(r, 0, SEEK_SET), ESPIPE);
	close(w);
	CHECK(has_bits(r, POLLHUP));
	CHECK_EQ(read(r, c, 8), 0);
	/* Another writer. */
	w = MUST(open("fifo", O_WRONLY));
	CHECK(has_bits(r, 0));
	close(r);
	CHECK(has_bits(w, POLLOUT | POLLERR));
	close(w);
	/* Two meet, whoever comes first. */
	child = SPAWN(int fd = MUST(open("fifo", O_WRONLY)); CHECK_EQ(write(fd, "met", 3), 3));
	WAIT_UNTIL(is_asleep(child));
	r = MUST(open("fifo", O_RDONLY));
	CHECK_EQ(read_all(r, c, 3), 3);
	CHECK_EQ(read(r, c, 1), 0);
	close(r);
	CHECK_EQ(wait_status(child), 0);
	child = SPAWN(int fd = MUST(open("fifo", O_RDONLY)); CHECK_EQ(read_all(fd, c, 3), 3));
	WAIT_UNTIL(is_asleep(child));
	w = MUST(open("fifo", O_WRONLY));
	CHECK_EQ(write(w, "met", 3), 3);
	close(w);
	CHECK_EQ(wait_status(child), 0);
	/* An open that waits can be interrupted. */
	child = SPAWN(handle(SIGUSR1, catch, 0); CHECK_ERR(open("fifo", O_RDONLY), EINTR));
	WAIT_UNTIL(is_asleep(child));
	sleep_ms(20);
	kill(child, SIGUSR1);
	CHECK_EQ(wait_status(child), 0);
	/* Both ends in one. */
	r = MUST(open("fifo", O_RDWR));
	CHECK_EQ(write(r, "self", 4), 4);
	CHECK_EQ(read(r, c, 8), 4);
	close(r);
}

static int open_again(int fd, int flags)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, flags);
}

/* /dev/stdin and its kin: another open file of the same pipe, and no wait for the other end. */
static void reopened(void)
{
	struct stat a, b;
	char c[8];
	int r, w, s[2];

	SKIP_IF(!has_proc(), "no /proc");
	open_pipe(0);
	r = open_again(p[0], O_RDONLY);
	close(r);
	close_pipe();
	SKIP_IF(r < 0, "pipes cannot be opened again");
	open_pipe(0);
	r = MUST(open_again(p[0], O_RDONLY));
	MUST(fstat(p[0], &a));
	MUST(fstat(r, &b));
	CHECK_EQ(a.st_ino, b.st_ino);
	CHECK_EQ(write(p[1], "abc", 3), 3);
	CHECK_EQ(read(r, c, 1), 1);
	close(p[0]);
	CHECK_EQ(read(r, c, 8), 2);
	w = MUST(open_again(r, O_WRONLY | O_NONBLOCK)); /* the other end than the link's */
	CHECK_EQ(fcntl(p[1], F_GETFL), O_WRONLY);
	close(p[1]);
	CHECK_EQ(write(w, "de", 2), 2);
	CHECK_EQ(read(r, c, 8), 2);
	close(w);
	CHECK(has_bits(r, POLLHUP));
	CHECK_EQ(read(r, c, 8), 0);
	p[0] = MUST(open_again(r, O_RDONLY)); /* there is no writer */
	CHECK_EQ(read(p[0], c, 8), 0);
	close(p[0]);
	w = MUST(open_again(r, O_WRONLY));
	close(r);
	CHECK(has_bits(w, POLLOUT | POLLERR));
	p[1] = MUST(open_again(w, O_WRONLY | O_NONBLOCK)); /* no reader */
	handle(SIGPIPE, SIG_IGN, 0);
	CHECK_ERR(write(p[1], "x", 1), EPIPE);
	handle(SIGPIPE, SIG_DFL, 0);
	close(p[1]);
	r = MUST(open_again(w, O_RDWR));
	CHECK_EQ(write(w, "fgh", 3), 3);
	CHECK_EQ(read(r, c, 8), 3);
	close(w);
	close(r);
	SKIP_IF(!has_call(SYS_socketpair), "no sockets");
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	CHECK_ERR(open_again(s[0], O_RDWR), ENXIO);
	close(s[0]);
	close(s[1]);
}

int main(void)
{
	check_start_in_directory();
	RUN(simple);
	RUN(full_and_empty);
	RUN(sizes);
	RUN(sizes_of_a_user);
	RUN(poll_bits);
	RUN(broken);
	RUN(atomicity);
	RUN(stream);
	RUN(bad_memory);
	RUN(interrupted);
	RUN(fifo);
	RUN(reopened);
	return check_end();
}
