/* SPDX-License-Identifier: MIT
 *
 * Moving bytes between files: sendfile(), copy_file_range(), splice(), tee(), vmsplice(); and
 * preadv2() and pwritev2() with their flags.
 */
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "check.h"

static char pattern[200000], got[200000];
static int in, out, p[2];

static int new_file(const char *name)
{
	return MUST(open(name, O_RDWR | O_CREAT | O_TRUNC, 0644));
}

static void open_all(void)
{
	in = new_file("in");
	out = new_file("out");
	MUST(pipe(p));
	CHECK_EQ(write(in, pattern, sizeof(pattern)), sizeof(pattern));
	MUST(lseek(in, 0, SEEK_SET));
}

static void close_all(void)
{
	close(in);
	close(out);
	close(p[0]);
	close(p[1]);
}

static bool holds(int fd, off_t at, const char *text, size_t n)
{
	memset(got, 0, n);
	return pread(fd, got, n, at) == (ssize_t)n && memcmp(got, text, n) == 0;
}

static void sending(void)
{
	int reader, s[2];
	off_t at = 100;

	open_all();
	CHECK_EQ(sendfile(out, in, &at, 5000), 5000);
	CHECK_EQ(at, 5100);
	CHECK_EQ(lseek(in, 0, SEEK_CUR), 0);
	CHECK_EQ(lseek(out, 0, SEEK_CUR), 5000);
	CHECK(holds(out, 0, pattern + 100, 5000));
	CHECK_EQ(sendfile(out, in, NULL, 1000000), sizeof(pattern));
	CHECK_EQ(lseek(in, 0, SEEK_CUR), sizeof(pattern));
	CHECK_EQ(lseek(out, 0, SEEK_CUR), 5000 + sizeof(pattern));
	CHECK(holds(out, 5000, pattern, sizeof(pattern)));
	CHECK_EQ(sendfile(out, in, NULL, 10), 0);
	at = sizeof(pattern) - 3;
	CHECK_EQ(sendfile(p[1], in, &at, 100), 3);
	CHECK_EQ(read(p[0], got, 100), 3);
	/* As much as a pipe takes. */
	MUST(fcntl(p[1], F_SETFL, O_NONBLOCK));
	at = 0;
	CHECK_EQ(sendfile(p[1], in, &at, 100000), 65536);
	CHECK_EQ(at, 65536);
	CHECK_ERR(sendfile(p[1], in, &at, 100000), EAGAIN);
	CHECK_EQ(read(p[0], got, sizeof(got)), 65536);
	CHECK(memcmp(got, pattern, 65536) == 0);
	/* A server's way. */
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	at = 7;
	CHECK_EQ(sendfile(s[0], in, &at, 1000), 1000);
	CHECK_EQ(recv(s[1], got, 1000, MSG_WAITALL), 1000);
	CHECK(memcmp(got, pattern + 7, 1000) == 0);
	close(s[0]);
	close(s[1]);
	/* Errors. */
	at = -1;
	CHECK_ERR(sendfile(out, in, &at, 1), EINVAL);
	reader = MUST(open("in", O_RDONLY));
	CHECK_ERR(sendfile(reader, in, NULL, 1), EBADF);
	CHECK_ERR(sendfile(99, in, NULL, 1), EBADF);
	at = sizeof(pattern);
	CHECK_EQ(sendfile(out, in, &at, 1), 0);
	CHECK_ERR(sendfile(out, 99, NULL, 1), EBADF);
	CHECK_ERR(sendfile(out, p[1], NULL, 1), EBADF);
	CHECK_ERR(syscall(SYS_sendfile, out, in, BAD, 1), EFAULT);
	close(reader);
	reader = MUST(open("out", O_WRONLY | O_APPEND));
	CHECK_ERR(sendfile(reader, in, NULL, 1), EINVAL);
	CHECK_ERR(sendfile(out, reader, NULL, 1), EBADF);
	close(reader);
	close_all();
}

static long copy(int from, off_t *from_at, int to, off_t *to_at, size_t n, unsigned flags)
{
	return syscall(SYS_copy_file_range, from, from_at, to, to_at, n, flags);
}

static void copying(void)
{
	off_t a = 50, b = 7;
	int other, directory;

	open_all();
	CHECK_EQ(copy(in, &a, out, &b, 10000, 0), 10000);
	CHECK_EQ(a, 10050);
	CHECK_EQ(b, 10007);
	CHECK_EQ(lseek(in, 0, SEEK_CUR), 0);
	CHECK_EQ(lseek(out, 0, SEEK_CUR), 0);
	CHECK(holds(out, 7, pattern + 50, 10000));
	CHECK(holds(out, 0, "\0\0\0\0\0\0", 7));
	CHECK_EQ(copy(in, NULL, out, NULL, 3000, 0), 3000);
	CHECK_EQ(lseek(in, 0, SEEK_CUR), 3000);
	CHECK_EQ(lseek(out, 0, SEEK_CUR), 3000);
	CHECK(holds(out, 0, pattern, 3000));
	a = sizeof(pattern);
	CHECK_EQ(copy(in, &a, out, NULL, 10, 0), 0);
	a = sizeof(pattern) - 5;
	CHECK_EQ(copy(in, &a, out, NULL, 10, 0), 5);
	/* Within one file, but not onto itself. */
	a = 0;
	b = 1000;
	CHECK_EQ(copy(in, &a, in, &b, 1000, 0), 1000);
	CHECK(holds(in, 1000, pattern, 1000));
	a = 0;
	b = 999;
	CHECK_ERR(copy(in, &a, in, &b, 1000, 0), EINVAL);
	CHECK_ERR(copy(in, NULL, out, NULL, 1, 1), EINVAL);
	CHECK_ERR(copy(in, NULL, p[1], NULL, 1, 0), EINVAL);
	CHECK_ERR(copy(p[0], NULL, out, NULL, 1, 0), EINVAL);
	CHECK_ERR(copy(99, NULL, out, NULL, 1, 0), EBADF);
	CHECK_ERR(copy(in, NULL, 99, NULL, 1, 0), EBADF);
	directory = MUST(open(".", O_RDONLY));
	CHECK_ERR(copy(directory, NULL, out, NULL, 1, 0), EISDIR);
	close(directory);
	other = MUST(open("out", O_RDONLY));
	CHECK_ERR(copy(in, NULL, other, NULL, 1, 0), EBADF);
	close(other);
	other = MUST(open("out", O_WRONLY));
	CHECK_ERR(copy(other, NULL, in, NULL, 1, 0), EBADF);
	close(other);
	other = MUST(open("out", O_WRONLY | O_APPEND));
	CHECK_ERR(copy(in, NULL, other, NULL, 1, 0), EBADF);
	close(other);
	a = -1;
	CHECK_ERR(copy(in, &a, out, NULL, 1, 0), EOVERFLOW);
	a = -100;
	CHECK_ERR(copy(in, &a, out, NULL, 1, 0), EINVAL);
	CHECK_ERR(copy(in, BAD, out, NULL, 1, 0), EFAULT);
	close_all();
}

static void splicing(void)
{
	int q[2], null = MUST(open("/dev/null", O_WRONLY)), append;
	loff_t at = 10;

	open_all();
	MUST(pipe(q));
	/* File to pipe, pipe to pipe, pipe to file. */
	CHECK_EQ(splice(in, &at, p[1], NULL, 5000, 0), 5000);
	CHECK_EQ(at, 5010);
	CHECK_EQ(splice(p[0], NULL, q[1], NULL, 4000, 0), 4000);
	at = 1;
	CHECK_EQ(splice(q[0], NULL, out, &at, 3000, SPLICE_F_MOVE), 3000);
	CHECK_EQ(at, 3001);
	CHECK(holds(out, 1, pattern + 10, 3000));
	CHECK_EQ(splice(q[0], NULL, out, NULL, 5000, 0), 1000);
	CHECK_EQ(lseek(out, 0, SEEK_CUR), 1000);
	CHECK(holds(out, 0, pattern + 3010, 1000));
	CHECK_EQ(read(p[0], got, 5000), 1000);
	CHECK(memcmp(got, pattern + 4010, 1000) == 0);
	CHECK_EQ(splice(in, NULL, p[1], NULL, 10, 0), 10);
	CHECK_EQ(lseek(in, 0, SEEK_CUR), 10);
	CHECK_EQ(splice(p[0], NULL, null, NULL, 100, 0), 10);
	/* tee() leaves the bytes. */
	MUST(write(p[1], "abcde", 5));
	CHECK_EQ(tee(p[0], q[1], 3, 0), 3);
	CHECK_EQ(read(q[0], got, 10), 3);
	CHECK_EQ(read(p[0], got, 10), 5);
	CHECK(memcmp(got, "abcde", 5) == 0);
	/* Nothing there. */
	CHECK_ERR(splice(p[0], NULL, out, NULL, 10, SPLICE_F_NONBLOCK), EAGAIN);
	CHECK_ERR(tee(p[0], q[1], 10, SPLICE_F_NONBLOCK), EAGAIN);
	at = sizeof(pattern);
	CHECK_EQ(splice(in, &at, p[1], NULL, 10, 0), 0);
	/* No room. */
	at = 0;
	CHECK_EQ(splice(in, &at, p[1], NULL, 100000, SPLICE_F_NONBLOCK), 65536);
	CHECK_ERR(splice(in, &at, p[1], NULL, 10, SPLICE_F_NONBLOCK), EAGAIN);
	CHECK_EQ(read(p[0], got, sizeof(got)), 65536);
	CHECK(memcmp(got, pattern, 65536) == 0);
	/* Errors. */
	CHECK_ERR(splice(in, NULL, out, NULL, 10, 0), EINVAL);
	CHECK_ERR(splice(p[0], NULL, p[1], NULL, 10, 0), EINVAL);
	CHECK_ERR(splice(p[0], &at, out, NULL, 10, 0), ESPIPE);
	CHECK_ERR(splice(in, NULL, p[1], &at, 10, 0), ESPIPE);
	CHECK_ERR(splice(in, NULL, p[0], NULL, 10, 0), EBADF);
	CHECK_ERR(splice(99, NULL, p[1], NULL, 10, 0), EBADF);
	CHECK_ERR(splice(in, NULL, p[1], NULL, 10, 64), EINVAL);
	CHECK_EQ(splice(in, NULL, p[1], NULL, 0, 0), 0);
	CHECK_ERR(tee(in, p[1], 10, 0), EINVAL);
	CHECK_ERR(tee(p[0], p[1], 10, 0), EINVAL);
	append = MUST(open("out", O_WRONLY | O_APPEND));
	MUST(write(p[1], "x", 1));
	CHECK_ERR(splice(p[0], NULL, append, NULL, 1, 0), EINVAL);
	CHECK_EQ(read(p[0], got, 10), 1);
	close(append);
	/* The ends of a pipe. */
	close(p[1]);
	CHECK_EQ(splice(p[0], NULL, out, NULL, 10, 0), 0);
	CHECK_EQ(tee(p[0], q[1], 10, 0), 0);
	close(q[0]);
	handle(SIGPIPE, catch, 0);
	CHECK_ERR(splice(in, NULL, q[1], NULL, 10, 0), EPIPE);
	CHECK_EQ(caught[SIGPIPE], 1);
	handle(SIGPIPE, SIG_DFL, 0);
	close(q[1]);
	close(null);
	close_all();
}

/* A reader that sleeps in splice() is woken, and a signal ends the sleep. */
static void splice_waits(void)
{
	pid_t child;

	open_all();
	child = SPAWN(close(p[1]); CHECK_EQ(splice(p[0], NULL, out, NULL, 100, 0), 4));
	WAIT_UNTIL(is_asleep(child));
	CHECK_EQ(write(p[1], "data", 4), 4);
	CHECK_EQ(wait_status(child), 0);
	CHECK(holds(out, 0, "data", 4));
	child = SPAWN(handle(SIGUSR1, catch, 0);
		      CHECK_ERR(splice(p[0], NULL, out, NULL, 100, 0), EINTR));
	WAIT_UNTIL(is_asleep(child));
	sleep_ms(20);
	kill(child, SIGUSR1);
	CHECK_EQ(wait_status(child), 0);
	/* While it waits for a socket, others use the pipe, and a signal ends it. */
	int s[2];
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	child = SPAWN(splice(s[0], NULL, p[1], NULL, 100, 0));
	WAIT_UNTIL(is_asleep(child));
	CHECK_EQ(write(s[1], "abc", 3), 3);
	CHECK_EQ(wait_status(child), 0);
	CHECK_EQ(read(p[0], got, 100), 3);
	child = SPAWN(splice(s[0], NULL, p[1], NULL, 100, 0));
	WAIT_UNTIL(is_asleep(child));
	kill(child, SIGKILL);
	CHECK_EQ(wait_status(child), SIGKILL);
	/* A full socket keeps what it does not take in the pipe. */
	MUST(fcntl(s[1], F_SETFL, O_NONBLOCK));
	while (write(s[1], pattern, 10000) > 0)
		;
	CHECK_EQ(write(p[1], "kept", 4), 4);
	CHECK_ERR(splice(p[0], NULL, s[1], NULL, 100, 0), EAGAIN);
	CHECK_EQ(read(p[0], got, 100), 4);
	close(s[0]);
	close(s[1]);
	close_all();
}

/* A socket that takes no more, and how much it has. */
static size_t fill(int s)
{
	size_t filled = 0;
	ssize_t n;

	while ((n = send(s, pattern, 10000, MSG_DONTWAIT)) > 0)
		filled += n;
	return filled;
}

/* Has the child ended, or does it wait?  On Linux it waits for the lock of the pipe. */
static bool has_got_far(pid_t pid)
{
	return !has_proc() || strchr("SDZ", process_state(pid));
}

/* While splice() waits for a socket to take bytes of a pipe, another reader does not get the same
 * bytes, and those that are written now are not lost. */
static void splice_among_readers(void)
{
	pid_t splicer, reader, writer;
	size_t filled;
	int s[2];

	open_all();
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	filled = fill(s[1]);
	CHECK_EQ(write(p[1], "0123456789", 10), 10);
	splicer = SPAWN(CHECK_EQ(splice(p[0], NULL, s[1], NULL, 10, 0), 10));
	WAIT_UNTIL(is_asleep(splicer));
	reader = SPAWN(close(p[1]); CHECK_EQ(read(p[0], got, 10), 10);
		       CHECK(memcmp(got, "ABCDEFGHIJ", 10) == 0));
	WAIT_UNTIL(has_got_far(reader));
	sleep_ms(20);
	writer = SPAWN(CHECK_EQ(write(p[1], "ABCDEFGHIJ", 10), 10));
	WAIT_UNTIL(has_got_far(writer));
	for (size_t n; filled; filled -= n) {
		n = recv(s[0], got, filled < sizeof(got) ? filled : sizeof(got), 0);
		if (!CHECK(n > 0 && n <= filled))
			break;
	}
	CHECK_EQ(wait_status(splicer), 0);
	CHECK_EQ(recv(s[0], got, 100, MSG_DONTWAIT), 10);
	CHECK(memcmp(got, "0123456789", 10) == 0);
	CHECK_EQ(wait_status(writer), 0);
	close(p[1]);
	p[1] = -1; /* so a reader that has got nothing ends */
	CHECK_EQ(wait_status(reader), 0);
	close(s[0]);
	close(s[1]);
	close_all();
}

/* While splice() waits for a socket to give bytes, others do not fill the pipe.  It gives what the
 * socket has, and does not wait for more. */
static void splice_among_writers(void)
{
	pid_t splicer, writer;
	int s[2];

	open_all();
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	CHECK_EQ(write(s[1], pattern, 4096), 4096);
	CHECK_EQ(splice(s[0], NULL, p[1], NULL, 65536, 0), 4096);
	CHECK_EQ(read(p[0], got, sizeof(got)), 4096);
	CHECK(memcmp(got, pattern, 4096) == 0);
	splicer = SPAWN(CHECK_EQ(splice(s[0], NULL, p[1], NULL, 4, 0), 4));
	WAIT_UNTIL(is_asleep(splicer));
	MUST(fcntl(p[1], F_SETFL, O_NONBLOCK));
	writer = SPAWN(while (write(p[1], pattern, 4096) > 0); CHECK_EQ(errno, EAGAIN));
	WAIT_UNTIL(has_got_far(writer));
	sleep_ms(20);
	CHECK_EQ(write(s[1], "data", 4), 4);
	CHECK_EQ(wait_status(splicer), 0);
	CHECK_EQ(wait_status(writer), 0);
	CHECK_EQ(read(p[0], got, 4), 4);
	CHECK(memcmp(got, "data", 4) == 0);
	CHECK(read(p[0], got, sizeof(got)) >= 60000);
	/* A reader may be killed while another one has the bytes. */
	MUST(fcntl(p[1], F_SETFL, 0));
	fill(s[1]);
	CHECK_EQ(write(p[1], "kept", 4), 4);
	splicer = SPAWN(splice(p[0], NULL, s[1], NULL, 100, 0));
	WAIT_UNTIL(is_asleep(splicer));
	kill(splicer, SIGKILL);
	CHECK_EQ(wait_status(splicer), SIGKILL);
	CHECK_EQ(read(p[0], got, 100), 4);
	close(s[0]);
	close(s[1]);
	close_all();
}

static void from_memory(void)
{
	struct iovec v[2] = {{pattern, 100}, {pattern + 1000, 50}};
	ssize_t n;

	open_all();
	CHECK_EQ(vmsplice(p[1], v, 2, 0), 150);
	CHECK_EQ(read(p[0], got, 1000), 150);
	CHECK(memcmp(got + 100, pattern + 1000, 50) == 0);
	MUST(write(p[1], "xyz", 3));
	v[0] = (struct iovec){got, 2};
	CHECK_EQ(vmsplice(p[0], v, 1, 0), 2);
	CHECK(memcmp(got, "xy", 2) == 0);
	CHECK_EQ(vmsplice(p[0], v, 1, 0), 1);
	CHECK_EQ(got[0], 'z');
	CHECK_ERR(vmsplice(p[0], v, 1, SPLICE_F_NONBLOCK), EAGAIN);
	v[0] = (struct iovec){pattern, 100000};
	n = vmsplice(p[1], v, 1, 0); /* as much as there is room for */
	CHECK(n > 60000 && n <= 65536);
	CHECK_ERR(vmsplice(p[1], v, 1, SPLICE_F_NONBLOCK), EAGAIN);
	CHECK_ERR(vmsplice(in, v, 1, 0), EBADF);
	CHECK_ERR(vmsplice(p[1], v, 1, 64), EINVAL);
	close_all();
}

static long rw2(int call, int fd, void *data, size_t n, off_t at, int flags)
{
	struct iovec v = {data, n};

	return syscall(call, fd, &v, 1L, at, 0L, flags);
}

static void vectors(void)
{
	open_all();
	CHECK_EQ(rw2(SYS_preadv2, in, got, 10, 5, 0), 10);
	CHECK(memcmp(got, pattern + 5, 10) == 0);
	CHECK_EQ(lseek(in, 0, SEEK_CUR), 0);
	CHECK_EQ(rw2(SYS_preadv2, in, got, 10, -1, 0), 10); /* at the position */
	CHECK_EQ(lseek(in, 0, SEEK_CUR), 10);
	CHECK_EQ(rw2(SYS_pwritev2, out, "hello", 5, 3, 0), 5);
	CHECK_EQ(lseek(out, 0, SEEK_CUR), 0);
	CHECK_EQ(rw2(SYS_pwritev2, out, "HE", 2, -1, 0x6), 2); /* RWF_DSYNC, RWF_SYNC */
	CHECK_EQ(lseek(out, 0, SEEK_CUR), 2);
	CHECK_EQ(rw2(SYS_pwritev2, out, "END", 3, 0, 0x10), 3); /* RWF_APPEND */
	CHECK_EQ(lseek(out, 0, SEEK_CUR), 2);
	CHECK(holds(out, 0, "HE\0helloEND", 11));
	CHECK_EQ(rw2(SYS_pwritev2, out, "!", 1, -1, 0x10), 1);
	CHECK_EQ(lseek(out, 0, SEEK_CUR), 12);
	CHECK_EQ(rw2(SYS_pwritev2, p[1], "pipe", 4, -1, 0), 4);
	CHECK_EQ(rw2(SYS_preadv2, p[0], got, 10, -1, 0), 4);
	CHECK_ERR(rw2(SYS_preadv2, p[0], got, 10, 0, 0), ESPIPE);
	CHECK_ERR(rw2(SYS_preadv2, in, got, 10, -2, 0), EINVAL);
	CHECK_ERR(rw2(SYS_preadv2, in, got, 10, 0, 0x8000), EOPNOTSUPP);
	CHECK_ERR(rw2(SYS_pwritev2, out, "x", 1, 0, 0x8000), EOPNOTSUPP);
	CHECK_ERR(rw2(SYS_preadv2, 99, got, 10, 0, 0), EBADF);
	CHECK_ERR(rw2(SYS_preadv2, in, BAD, 10, 0, 0), EFAULT);
	close_all();
}

int main(void)
{
	check_start_in_directory();
	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = (char)(i * 7 + i / 256);
	RUN(sending);
	RUN(copying);
	RUN(splicing);
	RUN(splice_waits);
	RUN(splice_among_readers);
	RUN(splice_among_writers);
	RUN(from_memory);
	RUN(vectors);
	return check_end();
}
