/* SPDX-License-Identifier: MIT
 *
 * Descriptors: dup() and dup2(), fcntl, limits, close_range, close-on-exec, closing by others.
 */
#include <sched.h>

#include "check.h"

static int file(void)
{
	return MUST(open("file", O_RDWR | O_CREAT, 0644));
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void lowest_number(void)
{
	int a = file(), b = file(), c = file();

	CHECK_EQ(b, a + 1);
	CHECK_EQ(c, b + 1);
	close(a);
	close(b);
	CHECK_EQ(dup(c), a);
	CHECK_EQ(file(), b);
	CHECK_EQ(fcntl(c, F_DUPFD, 50), 50);
	CHECK_EQ(fcntl(c, F_DUPFD, 50), 51);
	for (int fd = a; fd < 60; fd++)
		close(fd);
}

static void duplicates(void)
{
	int a = file(), b;

	CHECK_ERR(dup(-1), EBADF);
	CHECK_ERR(dup(99), EBADF);
	CHECK_ERR(dup2(99, a), EBADF);
	CHECK_ERR(dup2(a, -1), EBADF);
	CHECK_ERR(dup2(a, 1 << 30), EBADF);
	CHECK_EQ(dup2(a, a), a);
	CHECK_ERR(dup2(99, 99), EBADF);
	CHECK_ERR(dup3(a, a, 0), EINVAL);
	CHECK_ERR(syscall(SYS_dup3, a, 20, O_APPEND), EINVAL);
	CHECK_EQ(dup3(a, 20, O_CLOEXEC), 20);
	CHECK_EQ(fcntl(20, F_GETFD), FD_CLOEXEC);
	/* dup2() over one clears the flag, and closes what was there. */
	CHECK_EQ(dup2(a, 20), 20);
	CHECK_EQ(fcntl(20, F_GETFD), 0);
	int pipes[2];
	char c;
	CHECK_EQ(pipe(pipes), 0);
	CHECK_EQ(dup2(a, pipes[1]), pipes[1]);
	CHECK_EQ(read(pipes[0], &c, 1), 0);
	close(pipes[0]);
	close(pipes[1]);
	/* Offset and status flags are shared, also over fork. */
	b = dup(a);
	CHECK_EQ(lseek(a, 7, SEEK_SET), 7);
	CHECK_EQ(lseek(b, 0, SEEK_CUR), 7);
	CHECK_EQ(fcntl(b, F_SETFL, O_APPEND), 0);
	CHECK(fcntl(a, F_GETFL) & O_APPEND);
	CHECK_EQ(IN_CHILD(lseek(b, 3, SEEK_SET)), 0);
	CHECK_EQ(lseek(a, 0, SEEK_CUR), 3);
	CHECK_EQ(fcntl(b, F_SETFD, FD_CLOEXEC), 0);
	CHECK_EQ(fcntl(a, F_GETFD), 0);
	/* What is closed in a child is open here. */
	CHECK_EQ(IN_CHILD(CHECK_EQ(close(b), 0)), 0);
	CHECK(is_open(b));
	/* Opened twice: an offset each. */
	int other = file();
	CHECK_EQ(lseek(other, 0, SEEK_CUR), 0);
	close(a), close(b), close(20), close(other);
	CHECK_ERR(close(a), EBADF);
	CHECK_ERR(close(-1), EBADF);
}

static void control(void)
{
	int a = file();

	CHECK_ERR(fcntl(99, F_GETFD), EBADF);
	CHECK_ERR(fcntl(a, 4711, 0), EINVAL);
	CHECK_ERR(fcntl(a, F_DUPFD, -1), EINVAL);
	CHECK_ERR(fcntl(a, F_DUPFD, 1 << 30), EINVAL);
	CHECK_EQ(fcntl(a, F_DUPFD_CLOEXEC, 30), 30);
	CHECK_EQ(fcntl(30, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(30, F_SETFD, 0), 0);
	CHECK_EQ(fcntl(30, F_GETFD), 0);
	/* The access mode stays; the rest can be set. */
	CHECK_EQ(fcntl(a, F_SETFL, O_RDONLY | O_NONBLOCK | O_APPEND), 0);
	CHECK_EQ(fcntl(a, F_GETFL) & (O_ACCMODE | O_NONBLOCK | O_APPEND),
		 O_RDWR | O_NONBLOCK | O_APPEND);
	CHECK_EQ(fcntl(a, F_SETFL, 0), 0);
	CHECK_EQ(fcntl(a, F_GETFL) & (O_ACCMODE | O_NONBLOCK | O_APPEND), O_RDWR);
	close(a), close(30);
}

static void limit(void)
{
	struct rlimit old, r;
	int a, last = -1, fd, pipes[2] = {-1, -1};

	SKIP_IF(!has_call(SYS_prlimit64), "no limits");
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &old), 0);
	r = (struct rlimit){40, old.rlim_max};
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &r), 0);
	a = file();
	while ((fd = dup(a)) >= 0)
		last = fd;
	CHECK_EQ(errno, EMFILE);
	CHECK_EQ(last, 39);
	CHECK_ERR(open("file", O_RDONLY), EMFILE);
	/* An open that fails makes no file and truncates none. */
	CHECK_EQ(write(a, "x", 1), 1);
	CHECK_ERR(open("file", O_WRONLY | O_TRUNC), EMFILE);
	CHECK_EQ(lseek(a, 0, SEEK_END), 1);
	MUST(ftruncate(a, 0));
	CHECK_ERR(open("new", O_CREAT | O_EXCL | O_WRONLY, 0644), EMFILE);
	CHECK_ERR(access("new", F_OK), ENOENT);
	CHECK_ERR(pipe(pipes), EMFILE);
	CHECK_ERR(fcntl(a, F_DUPFD, 39), EMFILE);
	CHECK_ERR(fcntl(a, F_DUPFD, 40), EINVAL);
	CHECK_ERR(dup2(a, 40), EBADF);
	CHECK_EQ(dup2(a, 39), 39);
	/* One is free: a pipe wants two and takes none. */
	close(39);
	CHECK_ERR(pipe(pipes), EMFILE);
	CHECK_EQ(dup(a), 39);
	for (fd = a; fd < 40; fd++)
		close(fd);
	/* None at all: there is no number from which F_DUPFD could begin. */
	r.rlim_cur = 0;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &r), 0);
	CHECK_ERR(fcntl(0, F_DUPFD, 0), EINVAL);
	CHECK_ERR(fcntl(0, F_DUPFD_CLOEXEC, 0), EINVAL);
	CHECK_ERR(dup(0), EMFILE);
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &old), 0);
	/* Many, and their numbers. */
	a = file();
	for (int i = 1; i < 800; i++)
		CHECK_EQ(dup(a), a + i);
	for (int i = 0; i < 800; i++)
		CHECK_EQ(close(a + i), 0);
}

/* Runs this program again with the number of a descriptor; its status says if it is open there. */
static int open_after_exec(int fd)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", fd);
	return IN_CHILD(execl(self_path(), "fds", number, (char *)NULL));
}

/* Their numbers, holes, fork and exec. */
static void many_of_them(void)
{
	int a = file();

	CHECK_ERR(dup2(a, 16384), EBADF);
	CHECK_EQ(fcntl(a, F_DUPFD_CLOEXEC, 16383), 16383);
	CHECK_ERR(fcntl(a, F_DUPFD, 16383), EMFILE);
	CHECK_EQ(IN_CHILD(CHECK(is_open(16383)); CHECK_EQ(close(16383), 0)), 0);
	CHECK_EQ(open_after_exec(16383), EXITED(1));
	CHECK_EQ(close(16383), 0);
	for (int i = 1; i < 9000; i++)
		CHECK_EQ(dup(a), a + i);
	for (int i = 1; i < 9000; i += 7)
		CHECK_EQ(close(a + i), 0);
	CHECK_EQ(IN_CHILD(CHECK(!is_open(a + 8996)); CHECK(is_open(a + 8995));
			  CHECK_EQ(dup(a), a + 1); CHECK_EQ(dup(a), a + 8)),
		 0);
	CHECK_EQ(fcntl(a, F_DUPFD, a + 2000), a + 2003);
	CHECK_EQ(close(a + 2003), 0);
	for (int i = 1; i < 9000; i += 7)
		CHECK_EQ(dup(a), a + i);
	CHECK_EQ(dup(a), a + 9000);
}

static void thousands(void)
{
	struct rlimit r = {16384, 16384}, most = {65536, 65536};

	SKIP_IF(!has_call(SYS_prlimit64), "no limits");
	CHECK_EQ(IN_CHILD(MUST(setrlimit(RLIMIT_NOFILE, &r)); many_of_them()), 0);
	/* Only a privileged process may have so many. */
	CHECK_EQ(IN_CHILD(if (!setrlimit(RLIMIT_NOFILE, &most)) {
			 CHECK_EQ(dup2(0, 65535), 65535);
			 CHECK_ERR(dup2(0, 65536), EBADF);
			 CHECK_EQ(IN_CHILD(CHECK(is_open(65535))), 0);
		 }),
		 0);
}

static void range(void)
{
	int a = file();

	SKIP_IF(!has_call(SYS_close_range), "no close_range()");
	for (int fd = 20; fd < 40; fd++)
		CHECK_EQ(dup2(a, fd), fd);
	CHECK_EQ(syscall(SYS_close_range, 22, 25, 0), 0);
	for (int fd = 20; fd < 40; fd++)
		CHECK_EQ(is_open(fd), fd < 22 || fd > 25);
	CHECK_EQ(syscall(SYS_close_range, 30, ~0U, 4), 0); /* CLOSE_RANGE_CLOEXEC */
	CHECK_EQ(fcntl(30, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(39, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(29, F_GETFD), 0);
	CHECK_ERR(syscall(SYS_close_range, 30, 20, 0), EINVAL);
	CHECK_ERR(syscall(SYS_close_range, 30, 40, 64), EINVAL);
	CHECK_EQ(syscall(SYS_close_range, a, ~0U, 0), 0);
	CHECK(!is_open(a) && !is_open(21) && !is_open(39));
	CHECK(is_open(1));
}

static void over_exec(void)
{
	int a = file(), b = MUST(open("file", O_RDONLY | O_CLOEXEC)), pipes[2];

	CHECK_EQ(fcntl(b, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(open_after_exec(a), EXITED(0));
	CHECK_EQ(open_after_exec(b), EXITED(1));
	CHECK_EQ(fcntl(b, F_SETFD, 0), 0);
	CHECK_EQ(open_after_exec(b), EXITED(0));
	CHECK_EQ(pipe2(pipes, O_CLOEXEC | O_NONBLOCK), 0);
	CHECK(fcntl(pipes[0], F_GETFL) & O_NONBLOCK);
	CHECK_EQ(open_after_exec(pipes[1]), EXITED(1));
	CHECK(is_open(pipes[1]));
	/* dup() of one to be closed is not. */
	CHECK_EQ(open_after_exec(dup(pipes[1])), EXITED(0));
	/* A failed exec closes nothing. */
	CHECK_ERR(execl("absent", "absent", (char *)NULL), ENOENT);
	CHECK(is_open(pipes[0]));
}

static pid_t reader; /* the process, and its main thread, that reads meanwhile */

static void *close_and_write(void *pipe_ends)
{
	int *end = pipe_ends;

	if (has_proc())
		WAIT_UNTIL(is_asleep(reader));
	else
		sleep_ms(100);
	close(end[0]);
	file(); /* it gets the number, and the memory if that has been freed */
	CHECK_EQ(write(end[1], "x", 1), 1);
	return NULL;
}

/* A descriptor is closed while a read() waits: by a thread, and by a process that shares the table. */
static void closed_by_others(void)
{
	for (int i = 0; i < 2; i++) {
		pthread_t thread;
		pid_t pid = 0;
		int end[2];
		char c = 0;

		reader = getpid();
		MUST(pipe(end));
		if (i)
			CHECK_EQ(pthread_create(&thread, NULL, close_and_write, end), 0);
		else
			pid = syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
		if (!i && pid == 0) {
			close_and_write(end);
			_exit(check_failures);
		}
		if (i || pid > 0) { /* Heddle's core has no CLONE_FILES */
			CHECK_EQ(read(end[0], &c, 1), 1);
			CHECK_EQ(c, 'x');
			CHECK_EQ(read(end[0], &c, 1), 0); /* the empty file has this number now */
		}
		if (i)
			pthread_join(thread, NULL);
		else if (pid > 0)
			CHECK_EQ(wait_status(pid), 0);
		for (int fd = 3; fd < 20; fd++)
			close(fd);
	}
}

int main(int argc, char *argv[])
{
	if (argc > 1)
		return !is_open(atoi(argv[1]));
	check_start_in_directory();
	RUN(lowest_number);
	RUN(duplicates);
	RUN(control);
	RUN(limit);
	RUN(thousands);
	RUN(range);
	RUN(over_exec);
	RUN(closed_by_others);
	return check_end();
}
