/* SPDX-License-Identifier: MIT
 *
 * File locks: fcntl() record locks of a process and of an open file, flock().
 */
#include <sys/file.h>

#include "check.h"

#define NAME "locked"

static int fd;

static struct flock range(short type, off_t start, off_t length)
{
	return (struct flock){.l_type = type, .l_start = start, .l_len = length};
}

static int lock_at(int file, int command, short type, off_t start, off_t length)
{
	struct flock l = range(type, start, length);

	return fcntl(file, command, &l);
}

static int lock(short type, off_t start, off_t length)
{
	return lock_at(fd, F_SETLK, type, start, length);
}

/* What a child meets that wants to write there: "pid type start length" or "free". */
static void seen(char *text, size_t size, int command, off_t start, off_t length)
{
	int p[2];
	ssize_t n;

	MUST(pipe(p));
	CHECK_EQ(IN_CHILD({
			 struct flock l = range(F_WRLCK, start, length);
			 int own = MUST(open(NAME, O_RDWR));

			 MUST(fcntl(own, command, &l));
			 if (l.l_type == F_UNLCK)
				 dprintf(p[1], "free");
			 else
				 dprintf(p[1], "%s %s %ld %ld %d",
					 l.l_pid == getppid() ? "parent"
					 : l.l_pid == -1      ? "file"
							      : "other",
					 l.l_type == F_RDLCK ? "read" : "write", (long)l.l_start,
					 (long)l.l_len, l.l_whence);
		 }),
		 0);
	close(p[1]);
	n = read(p[0], text, size - 1);
	text[n > 0 ? n : 0] = '\0';
	close(p[0]);
}

#define CHECK_SEEN(start, length, expected)                                                        \
	do {                                                                                       \
		char text_[80];                                                                    \
		seen(text_, sizeof(text_), F_GETLK, start, length);                                \
		if (!CHECK(strcmp(text_, expected) == 0))                                          \
			printf("# seen: %s, expected: %s\n", text_, expected);                     \
	} while (0)

static void unlock_all(void)
{
	CHECK_EQ(lock(F_UNLCK, 0, 0), 0);
	CHECK_SEEN(0, 0, "free");
}

static void conflicts(void)
{
	struct flock l = range(F_WRLCK, 0, 0);

	CHECK_SEEN(0, 0, "free");
	CHECK_EQ(lock(F_WRLCK, 10, 10), 0);
	CHECK_SEEN(0, 0, "parent write 10 10 0");
	CHECK_SEEN(19, 1, "parent write 10 10 0");
	CHECK_SEEN(20, 1, "free");
	CHECK_SEEN(0, 10, "free");
	CHECK_EQ(fcntl(fd, F_GETLK, &l), 0); /* the own lock does not conflict */
	CHECK_EQ(l.l_type, F_UNLCK);
	CHECK_EQ(l.l_start, 0);
	CHECK_EQ(IN_CHILD(CHECK_ERR(lock(F_WRLCK, 0, 0), EAGAIN);
			  CHECK_ERR(lock(F_RDLCK, 15, 1), EAGAIN);
			  CHECK_EQ(lock(F_WRLCK, 20, 0), 0); CHECK_EQ(lock(F_WRLCK, 0, 10), 0);
			  CHECK_EQ(lock(F_UNLCK, 0, 0), 0)),
		 0);
	CHECK_EQ(lock(F_RDLCK, 10, 10), 0); /* a conversion */
	CHECK_SEEN(0, 0, "parent read 10 10 0");
	CHECK_EQ(
	    IN_CHILD(CHECK_ERR(lock(F_WRLCK, 0, 0), EAGAIN); CHECK_EQ(lock(F_RDLCK, 15, 1), 0)), 0);
	unlock_all();
}

/* A range is split, cut at both ends, joined with its neighbours. */
static void split_and_merge(void)
{
	CHECK_EQ(lock(F_WRLCK, 0, 100), 0);
	CHECK_EQ(lock(F_UNLCK, 40, 20), 0);
	CHECK_SEEN(0, 0, "parent write 0 40 0");
	CHECK_SEEN(40, 20, "free");
	CHECK_SEEN(40, 0, "parent write 60 40 0");
	CHECK_EQ(lock(F_UNLCK, 30, 40), 0);
	CHECK_SEEN(0, 0, "parent write 0 30 0");
	CHECK_SEEN(30, 0, "parent write 70 30 0");
	CHECK_EQ(lock(F_RDLCK, 10, 10), 0);
	CHECK_SEEN(0, 100, "parent write 0 10 0");
	CHECK_SEEN(10, 100, "parent read 10 10 0");
	CHECK_SEEN(20, 100, "parent write 20 10 0");
	CHECK_EQ(lock(F_WRLCK, 5, 20), 0);
	CHECK_SEEN(0, 0, "parent write 0 30 0");
	CHECK_EQ(lock(F_WRLCK, 30, 40), 0); /* touches both */
	CHECK_SEEN(99, 0, "parent write 0 100 0");
	CHECK_EQ(lock(F_WRLCK, 200, 0), 0);
	CHECK_SEEN(1000, 1, "parent write 200 0 0");
	CHECK_EQ(lock(F_RDLCK, 0, 0), 0); /* over all of them */
	CHECK_SEEN(100, 0, "parent read 0 0 0");
	unlock_all();
}

static void arguments(void)
{
	struct flock l;
	int reader = MUST(open(NAME, O_RDONLY)), writer = MUST(open(NAME, O_WRONLY));

	MUST(ftruncate(fd, 1000));
	MUST(lseek(fd, 100, SEEK_SET));
	l = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_CUR, .l_start = 5, .l_len = 5};
	CHECK_EQ(fcntl(fd, F_SETLK, &l), 0);
	CHECK_SEEN(0, 0, "parent write 105 5 0");
	l = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_END, .l_start = -10, .l_len = 0};
	CHECK_EQ(fcntl(fd, F_SETLK, &l), 0);
	CHECK_SEEN(500, 0, "parent write 990 0 0");
	l = (struct flock){.l_type = F_WRLCK, .l_start = 300, .l_len = -100};
	CHECK_EQ(fcntl(fd, F_SETLK, &l), 0);
	CHECK_SEEN(150, 200, "parent write 200 100 0");
	l = (struct flock){.l_type = F_WRLCK, .l_start = 300, .l_len = 1, .l_whence = 3};
	CHECK_ERR(fcntl(fd, F_SETLK, &l), EINVAL);
	CHECK_ERR(lock(F_WRLCK, -1, 10), EINVAL);
	CHECK_ERR(lock(F_WRLCK, 10, -11), EINVAL);
	CHECK_ERR(lock(3, 0, 0), EINVAL);
	CHECK_ERR(lock(F_WRLCK, INT64_MAX, 2), EOVERFLOW);
	l = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_END, .l_start = INT64_MAX};
	CHECK_ERR(fcntl(fd, F_SETLK, &l), EOVERFLOW);
	CHECK_EQ(lock(F_WRLCK, INT64_MAX, 1), 0);
	CHECK_ERR(lock_at(fd, F_GETLK, F_UNLCK, 0, 0), EINVAL);
	CHECK_ERR(lock_at(reader, F_SETLK, F_WRLCK, 0, 0), EBADF);
	CHECK_EQ(lock_at(reader, F_GETLK, F_WRLCK, 0, 0), 0);
	CHECK_ERR(lock_at(writer, F_SETLK, F_RDLCK, 0, 0), EBADF);
	CHECK_ERR(lock_at(999, F_SETLK, F_RDLCK, 0, 0), EBADF);
	CHECK_ERR(syscall(SYS_fcntl, fd, F_SETLK, BAD), EFAULT);
	CHECK_ERR(syscall(SYS_fcntl, fd, F_GETLK, BAD), EFAULT);
	CHECK_ERR(syscall(SYS_fcntl, fd, F_SETLKW, NULL), EFAULT);
	close(reader);
	close(writer);
	unlock_all();
}

/* Any close of the file by the process ends all its locks on the file. */
static void closing(void)
{
	int other = MUST(open(NAME, O_RDONLY)), copy;

	CHECK_EQ(lock(F_WRLCK, 0, 10), 0);
	close(MUST(open("/", O_RDONLY)));
	CHECK_SEEN(0, 0, "parent write 0 10 0");
	close(other);
	CHECK_SEEN(0, 0, "free");
	copy = MUST(dup(fd));
	CHECK_EQ(lock(F_WRLCK, 0, 10), 0);
	MUST(dup2(1, copy)); /* closes it */
	CHECK_SEEN(0, 0, "free");
	close(copy);
	copy = MUST(fcntl(fd, F_DUPFD_CLOEXEC, 0));
	CHECK_EQ(lock(F_WRLCK, 0, 10), 0);
	/* A child's close is not the parent's, and it inherits no lock. */
	CHECK_EQ(IN_CHILD(CHECK_ERR(lock(F_WRLCK, 0, 10), EAGAIN); close(copy); close(fd)), 0);
	CHECK_SEEN(0, 0, "parent write 0 10 0");
	close(copy);
	CHECK_SEEN(0, 0, "free");
}

/* Exec keeps the locks, unless it closes a descriptor of the file; the end of the process drops
 * them. */
static void exec_and_exit(void)
{
	int p[2], q[2];
	char c;
	pid_t pid;

	for (int close_one = 0; close_one < 2; close_one++) {
		MUST(pipe(p));
		MUST(pipe(q));
		pid = SPAWN({
			int own = MUST(open(NAME, O_RDWR));
			char number[2][16];

			MUST(lock_at(own, F_SETLK, F_WRLCK, 3, 4));
			if (close_one)
				MUST(fcntl(own, F_DUPFD_CLOEXEC, 0));
			close(p[0]);
			close(q[1]);
			snprintf(number[0], sizeof(number[0]), "%d", p[1]);
			snprintf(number[1], sizeof(number[1]), "%d", q[0]);
			execl(self_path(), "filelocks", "hold", number[0], number[1], NULL);
			check_failures++;
		});
		close(p[1]);
		close(q[0]);
		CHECK_EQ(read(p[0], &c, 1), 1);
		CHECK_SEEN(0, 0, close_one ? "free" : "other write 3 4 0");
		close(q[1]);
		CHECK_EQ(wait_status(pid), 0);
		CHECK_SEEN(0, 0, "free");
		close(p[0]);
	}
	pid = SPAWN(lock(F_WRLCK, 0, 0); kill(getpid(), SIGKILL));
	CHECK_EQ(wait_status(pid), SIGKILL);
	CHECK_SEEN(0, 0, "free");
}

static void wait_until_asleep(pid_t pid)
{
	while (!is_asleep(pid))
		sleep_ms(1);
}

static void waiting(void)
{
	pid_t first, second, third;

	CHECK_EQ(lock(F_WRLCK, 0, 100), 0);
	first = SPAWN(CHECK_EQ(lock_at(fd, F_SETLKW, F_WRLCK, 10, 10), 0));
	second = SPAWN(CHECK_EQ(lock_at(fd, F_SETLKW, F_RDLCK, 50, 10), 0));
	third = SPAWN(int own = open(NAME, O_RDWR);
		      CHECK_EQ(lock_at(own, F_OFD_SETLKW, F_WRLCK, 70, 10), 0));
	wait_until_asleep(first);
	wait_until_asleep(second);
	wait_until_asleep(third);
	CHECK_EQ(lock(F_UNLCK, 10, 10), 0);
	CHECK_EQ(wait_status(first), 0);
	CHECK_EQ(waitpid(second, NULL, WNOHANG), 0);
	CHECK_EQ(lock(F_RDLCK, 50, 10), 0);
	CHECK_EQ(wait_status(second), 0);
	CHECK_EQ(waitpid(third, NULL, WNOHANG), 0);
	close(MUST(dup(fd)));
	CHECK_EQ(wait_status(third), 0);
	CHECK_SEEN(0, 0, "free");
}

/* Add 1 to *count 200 times, each time under the lock that two calls of fcntl() take and free. */
static void add_under_lock(volatile unsigned *count, int take)
{
	int own = MUST(open(NAME, O_RDWR));

	for (int n = 0; n < 200; n++) {
		unsigned old;

		MUST(lock_at(own, take, F_WRLCK, 0, 1));
		old = *count;
		if (n % 16 == 0)
			sched_yield();
		*count = old + 1;
		MUST(lock_at(own, take, F_UNLCK, 0, 1));
	}
}

static void turns(void)
{
	unsigned *count = map_shared(PAGE);
	pid_t pids[4];

	for (int i = 0; i < 4; i++)
		pids[i] = SPAWN(add_under_lock(count, i & 1 ? F_OFD_SETLKW : F_SETLKW));
	for (int i = 0; i < 4; i++)
		CHECK_EQ(wait_status(pids[i]), 0);
	CHECK_EQ(*count, 800);
	munmap(count, PAGE);
}

static void interrupted(void)
{
	pid_t pid;

	CHECK_EQ(lock(F_WRLCK, 0, 10), 0);
	CHECK_EQ(flock(fd, LOCK_EX), 0);
	for (int restart = 0; restart < 2; restart++) {
		pid = SPAWN({
			handle(SIGUSR1, catch, restart ? SA_RESTART : 0);
			if (restart)
				CHECK_EQ(lock_at(fd, F_SETLKW, F_WRLCK, 0, 10), 0);
			else
				CHECK_ERR(lock_at(fd, F_SETLKW, F_WRLCK, 0, 10), EINTR);
			CHECK_EQ(caught[SIGUSR1], 1);
		});
		wait_until_asleep(pid);
		kill(pid, SIGUSR1);
		if (restart) {
			sleep_ms(20);
			wait_until_asleep(pid);
			CHECK_EQ(waitpid(pid, NULL, WNOHANG), 0);
			CHECK_EQ(lock(F_UNLCK, 0, 10), 0);
		}
		CHECK_EQ(wait_status(pid), 0);
	}
	pid = SPAWN(int own = open(NAME, O_RDWR); handle(SIGUSR1, catch, 0);
		    CHECK_ERR(flock(own, LOCK_EX), EINTR));
	wait_until_asleep(pid);
	kill(pid, SIGUSR1);
	CHECK_EQ(wait_status(pid), 0);
	CHECK_EQ(flock(fd, LOCK_UN), 0);
	unlock_all();
}

static void deadlock(void)
{
	pid_t pid;

	CHECK_EQ(lock(F_WRLCK, 0, 1), 0);
	pid = SPAWN(CHECK_EQ(lock(F_WRLCK, 1, 1), 0);
		    CHECK_EQ(lock_at(fd, F_SETLKW, F_WRLCK, 0, 1), 0));
	wait_until_asleep(pid);
	CHECK_ERR(lock_at(fd, F_SETLKW, F_WRLCK, 1, 1), EDEADLK);
	CHECK_ERR(lock_at(fd, F_SETLKW, F_RDLCK, 0, 10), EDEADLK);
	CHECK_EQ(lock(F_UNLCK, 0, 1), 0);
	CHECK_EQ(wait_status(pid), 0);
	unlock_all();
}

/* Three in a ring, over two files. */
static void deadlock_ring(void)
{
	int other = MUST(open("second", O_CREAT | O_RDWR, 0600));
	pid_t a, b;

	CHECK_EQ(lock(F_WRLCK, 0, 1), 0);
	a = SPAWN(CHECK_EQ(lock_at(other, F_SETLK, F_WRLCK, 5, 1), 0);
		  CHECK_EQ(lock_at(fd, F_SETLKW, F_WRLCK, 0, 1), 0));
	wait_until_asleep(a);
	b = SPAWN(CHECK_EQ(lock_at(other, F_SETLK, F_WRLCK, 8, 1), 0);
		  CHECK_EQ(lock_at(other, F_SETLKW, F_WRLCK, 5, 1), 0));
	wait_until_asleep(b);
	CHECK_ERR(lock_at(other, F_SETLKW, F_WRLCK, 8, 1), EDEADLK);
	CHECK_EQ(lock(F_UNLCK, 0, 1), 0);
	CHECK_EQ(wait_status(a), 0);
	CHECK_EQ(wait_status(b), 0);
	close(other);
	CHECK_EQ(unlink("second"), 0);
}

/* The third waits for two; when the first of these is gone, its wait is a deadlock. */
static void delayed_deadlock(void)
{
	int go[2];
	pid_t second, third;
	char c;

	MUST(pipe(go));
	CHECK_EQ(lock(F_WRLCK, 0, 5), 0);
	second = SPAWN(CHECK_EQ(lock(F_WRLCK, 10, 5), 0); CHECK_EQ(read(go[0], &c, 1), 1);
		       CHECK_EQ(lock_at(fd, F_SETLKW, F_WRLCK, 20, 5), 0));
	WAIT_UNTIL(is_asleep(second));
	third = SPAWN(CHECK_EQ(lock(F_WRLCK, 20, 5), 0);
		      CHECK_ERR(lock_at(fd, F_SETLKW, F_WRLCK, 0, 15), EDEADLK));
	WAIT_UNTIL(is_asleep(third));
	CHECK_EQ(write(go[1], "x", 1), 1);
	sleep_ms(20);
	WAIT_UNTIL(is_asleep(second));
	CHECK_EQ(waitpid(third, NULL, WNOHANG), 0);
	CHECK_EQ(lock(F_UNLCK, 0, 5), 0);
	CHECK_EQ(wait_status(third), 0);
	CHECK_EQ(wait_status(second), 0);
	close(go[0]);
	close(go[1]);
	unlock_all();
}

static void of_open_file(void)
{
	struct flock l = range(F_WRLCK, 0, 0);
	int other = MUST(open(NAME, O_RDWR)), copy = MUST(dup(fd));

	CHECK_EQ(lock_at(fd, F_OFD_SETLK, F_WRLCK, 5, 5), 0);
	CHECK_SEEN(0, 0, "file write 5 5 0");
	CHECK_EQ(lock_at(copy, F_OFD_SETLK, F_WRLCK, 8, 5), 0); /* the same open file */
	CHECK_SEEN(0, 0, "file write 5 8 0");
	CHECK_ERR(lock_at(other, F_OFD_SETLK, F_WRLCK, 0, 0), EAGAIN);
	CHECK_ERR(lock(F_RDLCK, 0, 0), EAGAIN); /* not even the own process's */
	CHECK_EQ(fcntl(other, F_OFD_GETLK, &l), 0);
	CHECK_EQ(l.l_type, F_WRLCK);
	CHECK_EQ(l.l_pid, -1);
	l.l_type = F_RDLCK;
	l.l_pid = 1;
	CHECK_ERR(fcntl(fd, F_OFD_SETLK, &l), EINVAL);
	CHECK_ERR(fcntl(fd, F_OFD_GETLK, &l), EINVAL);
	close(copy);
	CHECK_SEEN(0, 0, "file write 5 8 0");
	/* A child has the file, too, and may give up the lock. */
	CHECK_EQ(IN_CHILD(close(fd)), 0);
	CHECK_SEEN(0, 0, "file write 5 8 0");
	CHECK_EQ(IN_CHILD(CHECK_EQ(lock_at(fd, F_OFD_SETLK, F_UNLCK, 5, 4), 0)), 0);
	CHECK_SEEN(0, 0, "file write 9 4 0");
	CHECK_EQ(lock_at(other, F_OFD_SETLK, F_WRLCK, 0, 5), 0);
	CHECK_SEEN(0, 5, "file write 0 5 0");
	close(other);
	CHECK_SEEN(0, 5, "free");
	CHECK_EQ(lock_at(fd, F_OFD_SETLK, F_UNLCK, 0, 0), 0);
}

static void flocks(void)
{
	int other = MUST(open(NAME, O_RDONLY)), copy = MUST(dup(fd));

	CHECK_EQ(flock(fd, LOCK_SH), 0);
	CHECK_EQ(flock(other, LOCK_SH), 0);
	CHECK_ERR(flock(other, LOCK_EX | LOCK_NB), EWOULDBLOCK); /* and its own is lost */
	CHECK_EQ(flock(fd, LOCK_EX | LOCK_NB), 0);
	CHECK_ERR(flock(other, LOCK_SH | LOCK_NB), EWOULDBLOCK);
	CHECK_EQ(flock(copy, LOCK_EX | LOCK_NB), 0);
	CHECK_EQ(flock(copy, LOCK_UN), 0); /* the same open file */
	CHECK_EQ(flock(other, LOCK_EX | LOCK_NB), 0);
	CHECK_EQ(flock(other, LOCK_UN | LOCK_NB), 0);
	CHECK_EQ(flock(other, LOCK_UN), 0);
	/* It is the open file's: it outlives one process that has it. */
	CHECK_EQ(IN_CHILD(CHECK_EQ(flock(fd, LOCK_EX), 0)), 0);
	CHECK_ERR(flock(other, LOCK_SH | LOCK_NB), EWOULDBLOCK);
	close(copy);
	CHECK_ERR(flock(other, LOCK_SH | LOCK_NB), EWOULDBLOCK);
	/* And it does not see record locks. */
	CHECK_SEEN(0, 0, "free");
	CHECK_EQ(lock_at(other, F_SETLK, F_RDLCK, 0, 0), 0);
	CHECK_EQ(flock(fd, LOCK_UN), 0);
	CHECK_EQ(flock(other, LOCK_EX | LOCK_NB), 0);
	CHECK_ERR(flock(fd, LOCK_EX | LOCK_NB), EWOULDBLOCK);
	close(other);
	CHECK_EQ(flock(fd, LOCK_EX | LOCK_NB), 0);
	CHECK_EQ(flock(fd, LOCK_UN), 0);
	CHECK_ERR(flock(fd, 0), EINVAL);
	CHECK_ERR(flock(fd, LOCK_SH | LOCK_EX), EINVAL);
	CHECK_ERR(flock(fd, LOCK_NB), EINVAL);
	CHECK_ERR(flock(999, LOCK_SH), EBADF);
	CHECK_ERR(flock(999, 0), EINVAL);
}

static void flock_waits(void)
{
	pid_t reader, writer;

	CHECK_EQ(flock(fd, LOCK_EX), 0);
	reader = SPAWN(int own = open(NAME, O_RDONLY); CHECK_EQ(flock(own, LOCK_SH), 0));
	wait_until_asleep(reader);
	writer = SPAWN(int own = open(NAME, O_RDONLY); CHECK_EQ(flock(own, LOCK_EX), 0));
	wait_until_asleep(writer);
	CHECK_EQ(flock(fd, LOCK_SH), 0);
	CHECK_EQ(wait_status(reader), 0);
	CHECK_EQ(waitpid(writer, NULL, WNOHANG), 0);
	CHECK_EQ(flock(fd, LOCK_UN), 0);
	CHECK_EQ(wait_status(writer), 0);
	/* A waiter that is killed leaves nothing behind. */
	CHECK_EQ(flock(fd, LOCK_EX), 0);
	writer = SPAWN(int own = open(NAME, O_RDONLY); CHECK_EQ(flock(own, LOCK_EX), 0));
	wait_until_asleep(writer);
	kill(writer, SIGKILL);
	CHECK_EQ(wait_status(writer), SIGKILL);
	CHECK_EQ(flock(fd, LOCK_UN), 0);
	CHECK_EQ(flock(fd, LOCK_EX | LOCK_NB), 0);
	CHECK_EQ(flock(fd, LOCK_UN), 0);
}

/* Leases: an answer of Linux that some file systems give. */
static void leases(void)
{
	CHECK_EQ(fcntl(fd, F_GETLEASE), F_UNLCK);
}

/* The lines of /proc/locks for this file, without their numbers. */
static void proc_lines(void)
{
	char line[160], wanted[3][160], rest[120];
	struct stat st;
	unsigned found = 0;
	FILE *f;

	SKIP_IF(!has_proc(), "no /proc");
	MUST(fstat(fd, &st));
	snprintf(rest, sizeof(rest), "%02x:%02x:%lu", (unsigned)(st.st_dev >> 8 & 0xfff),
		 (unsigned)(st.st_dev & 0xff), (unsigned long)st.st_ino);
	snprintf(wanted[0], sizeof(wanted[0]), "POSIX  ADVISORY  WRITE %d %s 5 9\n", getpid(),
		 rest);
	snprintf(wanted[1], sizeof(wanted[1]), "OFDLCK ADVISORY  READ -1 %s 10 EOF\n", rest);
	snprintf(wanted[2], sizeof(wanted[2]), "FLOCK  ADVISORY  WRITE %d %s 0 EOF\n", getpid(),
		 rest);
	MUST(lock(F_WRLCK, 5, 5));
	MUST(lock_at(fd, F_OFD_SETLK, F_RDLCK, 10, 0));
	MUST(flock(fd, LOCK_EX));
	f = fopen("/proc/locks", "r");
	if (!CHECK(f != NULL))
		return;
	while (fgets(line, sizeof(line), f))
		for (int i = 0; i < 3; i++)
			if (strchr(line, ' ') && strcmp(strchr(line, ' ') + 1, wanted[i]) == 0)
				found |= 1U << i;
	CHECK_EQ(found, 7);
	fclose(f);
	MUST(flock(fd, LOCK_UN));
	MUST(lock(F_UNLCK, 0, 0));
	MUST(lock_at(fd, F_OFD_SETLK, F_UNLCK, 0, 0));
}

/* exec_and_exit() runs the program so: writes to one descriptor, and ends at the end of the
 * other. */
static int hold(char **argv)
{
	char c;

	return write(atoi(argv[2]), "x", 1) != 1 || read(atoi(argv[3]), &c, 1) != 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "hold") == 0)
		return hold(argv);
	check_start_in_directory();
	fd = MUST(open(NAME, O_CREAT | O_RDWR, 0600));
	RUN(conflicts);
	RUN(split_and_merge);
	RUN(arguments);
	RUN(closing);
	RUN(exec_and_exit);
	RUN(waiting);
	RUN(turns);
	RUN(interrupted);
	RUN(deadlock);
	RUN(deadlock_ring);
	RUN(delayed_deadlock);
	RUN(of_open_file);
	RUN(flocks);
	RUN(flock_waits);
	RUN(leases);
	RUN(proc_lines);
	return check_end();
}
