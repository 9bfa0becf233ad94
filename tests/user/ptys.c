/* SPDX-License-Identifier: MIT
 *
 * Pseudo-terminals: the pair, its names, both directions, job control through it, hanging up.
 */
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "check.h"

#define LIMIT 60000 /* ms that poll() waits at most */

static char *slave_name(int master)
{
	static char name[32];

	CHECK_EQ(ptsname_r(master, name, sizeof(name)), 0);
	return name;
}

static int open_master(void)
{
	int master = MUST(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));

	CHECK_EQ(grantpt(master), 0);
	CHECK_EQ(unlockpt(master), 0);
	return master;
}

static int open_slave(int master)
{
	return (int)MUST(open(slave_name(master), O_RDWR | O_NOCTTY | O_CLOEXEC));
}

static short bits(int fd)
{
	struct pollfd p = {fd, POLLIN | POLLOUT, 0};

	poll(&p, 1, 0);
	return p.revents;
}

/* Reads until `text` was read, whole. */
static void expect(int fd, const char *text)
{
	size_t n = strlen(text), done = 0;
	char got[256] = "";

	while (done < n) {
		struct pollfd p = {fd, POLLIN, 0};
		ssize_t more;

		if (!CHECK_EQ(poll(&p, 1, LIMIT), 1))
			break;
		more = read(fd, got + done, n - done);
		if (!CHECK(more > 0))
			break;
		done += (size_t)more;
	}
	if (!CHECK(!strcmp(got, text)))
		printf("# got \"%s\", wanted \"%s\"\n", got, text);
}

static void names(void)
{
	int master = MUST(posix_openpt(O_RDWR | O_NOCTTY)), other, slave, number = -1, locked = -1;
	struct stat a, b;
	char path[64];

	CHECK_EQ(ioctl(master, TIOCGPTN, &number), 0);
	CHECK(number >= 0);
	snprintf(path, sizeof(path), "/dev/pts/%d", number);
	CHECK(!strcmp(slave_name(master), path));
	CHECK_EQ(ioctl(master, TIOCGPTLCK, &locked), 0);
	CHECK_EQ(locked, 1);
	CHECK_ERR(open(path, O_RDWR | O_NOCTTY), EIO);
	CHECK_EQ(grantpt(master), 0);
	CHECK_EQ(unlockpt(master), 0);
	slave = open_slave(master);
	CHECK_EQ(isatty(slave), 1);
	CHECK_EQ(isatty(master), 1);
	CHECK_EQ(fstat(slave, &a), 0);
	CHECK_EQ(stat(path, &b), 0);
	CHECK(S_ISCHR(a.st_mode));
	CHECK_EQ(a.st_mode & 0700, 0600);
	CHECK_EQ(a.st_ino, b.st_ino);
	CHECK_EQ(a.st_rdev, b.st_rdev);
	CHECK_EQ(a.st_rdev >> 8 & 0xff, 136);
	CHECK_EQ(a.st_uid, geteuid());
	CHECK(!strcmp(ttyname(slave) ?: "", path));
	other = open_master();
	CHECK(strcmp(slave_name(other), path));
	close(other);
	close(slave);
	close(master);
	CHECK_ERR(stat(path, &b), ENOENT);
	CHECK_ERR(open("/dev/pts/x", O_RDWR), ENOENT);
	CHECK_ERR(open("/dev/pts/99999", O_RDWR), ENOENT);
}

/* A descriptor of the name of a closed pair opens no later pair, which may have the same number. */
static void old_name(void)
{
	int master = open_master(), other, fd;
	char path[64];

	fd = (int)MUST(open(slave_name(master), O_PATH));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	close(MUST(open(path, O_RDWR | O_NOCTTY)));
	close(master);
	other = open_master();
	CHECK_ERR(open(path, O_RDWR | O_NOCTTY), EIO);
	close(open_slave(other));
	close(other);
	close(fd);
}

/* Linux with dev.tty.legacy_tiocsti = 1. */
static bool may_push_back(void)
{
	int fd = open("/proc/sys/dev/tty/legacy_tiocsti", O_RDONLY);
	char byte = '0';

	if (fd >= 0) {
		(void)!read(fd, &byte, 1);
		close(fd);
	}
	return byte == '1';
}

static void both_directions(void)
{
	int master = open_master(), slave = open_slave(master), n;

	CHECK_EQ(bits(master), POLLOUT);
	CHECK_EQ(bits(slave), POLLOUT);
	CHECK_EQ(write(master, "abc\x7f", 4), 4);
	expect(master, "abc\b \b");
	CHECK_EQ(bits(slave), POLLOUT);
	CHECK_EQ(write(master, "d\r", 2), 2);
	expect(master, "d\r\n");
	/* Linux may show the echo before the line. */
	WAIT_UNTIL(ioctl(slave, FIONREAD, &n) == 0 && n == 4);
	expect(slave, "abd\n");
	CHECK_EQ(write(slave, "x\ny", 3), 3);
	CHECK_EQ(bits(master), POLLIN | POLLOUT);
	expect(master, "x\r\ny");
	CHECK_EQ(fcntl(master, F_SETFL, O_RDWR | O_NONBLOCK), 0);
	CHECK_ERR(read(master, &n, 1), EAGAIN);
	CHECK_EQ(read(master, &n, 0), 0);
	if (!may_push_back())
		CHECK_ERR(ioctl(slave, TIOCSTI, "x"), EIO);
	CHECK_ERR(lseek(master, 0, SEEK_SET), ESPIPE);
	CHECK_ERR(ioctl(slave, 0x5499, &n), ENOTTY);
	CHECK_ERR(ioctl(master, TIOCGPTN, BAD), EFAULT);
	close(slave);
	close(master);
}

static void settings(void)
{
	int master = open_master(), slave = open_slave(master);
	struct winsize size = {.ws_row = 40, .ws_col = 100}, got;
	struct termios t, u;

	/* The master's calls mean the slave. */
	CHECK_EQ(ioctl(slave, TIOCGWINSZ, &got), 0);
	CHECK_EQ(got.ws_row, 0);
	CHECK_EQ(ioctl(master, TIOCSWINSZ, &size), 0);
	CHECK_EQ(ioctl(slave, TIOCGWINSZ, &got), 0);
	CHECK_EQ(got.ws_row, 40);
	CHECK_EQ(got.ws_col, 100);
	CHECK_EQ(tcgetattr(slave, &t), 0);
	CHECK(t.c_lflag & ICANON && t.c_lflag & ECHO);
	cfmakeraw(&t);
	CHECK_EQ(tcsetattr(master, TCSANOW, &t), 0);
	CHECK_EQ(tcgetattr(slave, &u), 0);
	CHECK(!(u.c_lflag & (ICANON | ECHO)));
	CHECK_EQ(write(master, "a\r", 2), 2);
	expect(slave, "a\r");
	CHECK_EQ(write(slave, "\n", 1), 1);
	/* It does not wait for the master to read. */
	CHECK_EQ(tcdrain(slave), 0);
	CHECK_EQ(tcsetattr(slave, TCSADRAIN, &t), 0);
	expect(master, "\n");
	CHECK_EQ(write(slave, "gone", 4), 4);
	CHECK_EQ(tcflush(slave, TCOFLUSH), 0);
	CHECK_EQ(write(master, "gone", 4), 4);
	WAIT_UNTIL(bits(slave) & POLLIN);
	CHECK_EQ(tcflush(slave, TCIFLUSH), 0);
	CHECK_EQ(bits(slave), POLLOUT);
	close(slave);
	close(master);
}

/* tcflow(): only TCOON ends what TCOOFF has begun, and it ends nothing else. */
static void flow(void)
{
	int master = open_master(), slave = open_slave(master);
	struct termios t, without;

	MUST(fcntl(slave, F_SETFL, O_RDWR | O_NONBLOCK));
	MUST(tcgetattr(slave, &t));
	t.c_lflag &= ~ECHO;
	t.c_iflag |= IXON | IXANY;
	MUST(tcsetattr(slave, TCSANOW, &t));
	CHECK_EQ(tcflow(slave, TCOOFF), 0);
	CHECK_ERR(write(slave, "x", 1), EAGAIN);
	CHECK_EQ(write(master, "\3\21a\r", 4), 4);
	WAIT_UNTIL(bits(slave) & POLLIN);
	expect(slave, "a\n");
	CHECK_ERR(write(slave, "x", 1), EAGAIN);
	without = t;
	without.c_iflag &= ~IXON;
	MUST(tcsetattr(slave, TCSANOW, &without));
	CHECK_ERR(write(slave, "x", 1), EAGAIN);
	CHECK_EQ(tcflow(slave, TCOON), 0);
	CHECK_EQ(write(slave, "y", 1), 1);
	expect(master, "y");
	t.c_iflag &= ~IXANY;
	MUST(tcsetattr(slave, TCSANOW, &t));
	CHECK_EQ(write(master, "\23b\r", 3), 3);
	expect(slave, "b\n");
	CHECK_EQ(tcflow(slave, TCOON), 0);
	CHECK_ERR(write(slave, "x", 1), EAGAIN);
	CHECK_EQ(write(master, "\21c\r", 3), 3);
	expect(slave, "c\n");
	CHECK_EQ(write(slave, "z", 1), 1);
	expect(master, "z");
	close(slave);
	close(master);
}

static void *write_much(void *fd)
{
	static char text[100000];

	memset(text, 'x', sizeof(text));
	CHECK_EQ(write(*(int *)fd, text, sizeof(text)), sizeof(text));
	return NULL;
}

static long count_bytes(int fd, long wanted)
{
	char text[1000];
	long sum = 0;

	while (sum < wanted) {
		ssize_t n = read(fd, text, sizeof(text));

		if (n <= 0)
			break;
		sum += n;
	}
	return sum;
}

/* Who writes more than fits waits for the reader on the other side. */
/* What struct termio of other C libraries has: the lower half of the flags.  The rest stays. */
static void old_settings(void)
{
	int master = open_master(), slave = open_slave(master);
	struct termios before, after;
	struct {
		unsigned short c_iflag, c_oflag, c_cflag, c_lflag;
		unsigned char c_line, c_cc[8];
	} old;

	MUST(tcgetattr(slave, &before));
	CHECK_EQ(ioctl(slave, TCGETA, &old), 0);
	CHECK_EQ(old.c_iflag, before.c_iflag & 0xffff);
	CHECK_EQ(old.c_oflag, before.c_oflag & 0xffff);
	CHECK_EQ(old.c_cflag, before.c_cflag & 0xffff);
	CHECK_EQ(old.c_lflag, before.c_lflag & 0xffff);
	CHECK_EQ(old.c_line, before.c_line);
	CHECK_EQ(memcmp(old.c_cc, before.c_cc, sizeof(old.c_cc)), 0);
	old.c_lflag &= ~(ICANON | ECHO);
	old.c_cc[VINTR] = 'x';
	CHECK_EQ(ioctl(slave, TCSETA, &old), 0);
	MUST(tcgetattr(slave, &after));
	CHECK_EQ(after.c_lflag, before.c_lflag & ~(ICANON | ECHO));
	CHECK_EQ(after.c_iflag, before.c_iflag);
	CHECK_EQ(after.c_cc[VINTR], 'x');
	CHECK_EQ(after.c_cc[VSTOP], before.c_cc[VSTOP]);
	MUST(write(master, "unread", 6));
	expect(slave, "unr");
	CHECK_EQ(ioctl(slave, TCSETAF, &old), 0);
	CHECK_EQ(bits(slave), POLLOUT);
	CHECK_EQ(ioctl(slave, TCSETAW, &old), 0);
	CHECK_ERR(ioctl(slave, TCGETA, BAD), EFAULT);
	CHECK_ERR(ioctl(slave, TCSETA, BAD), EFAULT);
	close(slave);
	close(master);
}

/* What TIOCSLCKTRMIOS locks stays as it is. */
static void locked_settings(void)
{
	int master = open_master(), slave = open_slave(master);
	struct termios lock, now, before;

	CHECK_EQ(ioctl(slave, TIOCGLCKTRMIOS, &lock), 0);
	CHECK_EQ(lock.c_iflag | lock.c_oflag | lock.c_cflag | lock.c_lflag | lock.c_cc[VINTR], 0);
	lock.c_lflag = ECHO;
	lock.c_cc[VINTR] = 1;
	CHECK_EQ(ioctl(slave, TIOCSLCKTRMIOS, &lock), 0);
	MUST(tcgetattr(slave, &before));
	now = before;
	now.c_lflag &= ~(ECHO | ICANON);
	now.c_cc[VINTR] = now.c_cc[VQUIT] = 'x';
	MUST(tcsetattr(slave, TCSANOW, &now));
	MUST(tcgetattr(slave, &now));
	CHECK_EQ(now.c_lflag, before.c_lflag & ~ICANON);
	CHECK_EQ(now.c_cc[VINTR], before.c_cc[VINTR]);
	CHECK_EQ(now.c_cc[VQUIT], 'x');
	CHECK_EQ(IN_CHILD(MUST(setuid(1)); CHECK_ERR(ioctl(slave, TIOCSLCKTRMIOS, &lock), EPERM)),
		 0);
	CHECK_ERR(ioctl(slave, TIOCGLCKTRMIOS, BAD), EFAULT);
	CHECK_ERR(ioctl(slave, TIOCSLCKTRMIOS, BAD), EFAULT);
	close(slave);
	close(master);
}

/* TIOCEXCL: others than root cannot open it any more.  And its line discipline, the only one. */
static void exclusive(void)
{
	int master = open_master(), slave = open_slave(master), value = 7;
	const char *name = slave_name(master);

	CHECK_EQ(ioctl(slave, TIOCGEXCL, &value), 0);
	CHECK_EQ(value, 0);
	CHECK_EQ(ioctl(slave, TIOCEXCL), 0);
	CHECK_EQ(ioctl(slave, TIOCGEXCL, &value), 0);
	CHECK_EQ(value, 1);
	close(MUST(open(name, O_RDWR | O_NOCTTY)));
	MUST(chmod(name, 0666));
	CHECK_EQ(IN_CHILD(MUST(setuid(1)); CHECK_ERR(open(name, O_RDWR | O_NOCTTY), EBUSY)), 0);
	CHECK_EQ(ioctl(slave, TIOCNXCL), 0);
	CHECK_EQ(IN_CHILD(MUST(setuid(1)); CHECK(open(name, O_RDWR | O_NOCTTY) >= 0)), 0);
	CHECK_EQ(ioctl(slave, TIOCGETD, &value), 0);
	CHECK_EQ(value, 0);
	CHECK_EQ(ioctl(slave, TIOCSETD, &value), 0);
	value = 999;
	CHECK_ERR(ioctl(slave, TIOCSETD, &value), EINVAL);
	CHECK_ERR(ioctl(slave, TIOCSETD, BAD), EFAULT);
	close(slave);
	close(master);
}

/* Linux moves bytes from one buffer to the next in its own time, which may make room again. */
static void fill(int fd)
{
	errno = 0;
	for (int i = 0; i < 2000000 && write(fd, "x", 1) == 1; i++)
		;
	CHECK_EQ(errno, EAGAIN);
}

static void full(void)
{
	int master = open_master(), slave = open_slave(master);
	struct termios t;
	pthread_t thread;
	char byte = 'x';

	tcgetattr(slave, &t);
	cfmakeraw(&t);
	tcsetattr(slave, TCSANOW, &t);
	for (int round = 0; round < 2; round++) {
		int writer = round ? master : slave, reader = round ? slave : master;

		pthread_create(&thread, NULL, write_much, &writer);
		CHECK_EQ(count_bytes(reader, 100000), 100000);
		pthread_join(thread, NULL);
		CHECK_EQ(fcntl(writer, F_SETFL, O_RDWR | O_NONBLOCK), 0);
		WAIT_UNTIL((fill(writer), !(bits(writer) & POLLOUT)));
		CHECK(read(reader, &byte, 1) == 1);
		while (bits(reader) & POLLIN)
			count_bytes(reader, 1);
		WAIT_UNTIL(bits(writer) & POLLOUT);
		CHECK_EQ(fcntl(writer, F_SETFL, O_RDWR), 0);
	}
	close(slave);
	close(master);
}

static void ends(void)
{
	int master = open_master(), slave;
	char byte;

	/* Before the slave was ever open nothing has ended. */
	CHECK_EQ(bits(master), POLLOUT);
	slave = open_slave(master);
	CHECK_EQ(write(slave, "last", 4), 4);
	close(slave);
	CHECK_EQ(bits(master), POLLIN | POLLOUT | POLLHUP);
	expect(master, "last");
	CHECK_ERR(read(master, &byte, 1), EIO);
	slave = open_slave(master);
	CHECK_EQ(bits(master), POLLOUT);
	close(master);
	CHECK_EQ(read(slave, &byte, 1), 0);
	CHECK_ERR(write(slave, &byte, 1), EIO);
	CHECK_EQ(bits(slave) & (POLLIN | POLLHUP), POLLIN | POLLHUP);
	CHECK_ERR(tcflush(slave, TCIOFLUSH), EIO);
	close(slave);
}

static volatile pid_t reader_tid;

static void *read_one(void *fd)
{
	char byte;

	reader_tid = (pid_t)syscall(SYS_gettid);
	return (void *)read(*(int *)fd, &byte, 1);
}

static void start_reader(pthread_t *thread, int *fd)
{
	reader_tid = 0;
	pthread_create(thread, NULL, read_one, fd);
	WAIT_UNTIL(reader_tid && is_asleep(reader_tid));
}

/* Closing one end wakes who waits on the other. */
static void waiting_ends(void)
{
	int master = open_master(), slave = open_slave(master);
	pthread_t thread;
	void *result;

	start_reader(&thread, &slave);
	close(master);
	pthread_join(thread, &result);
	CHECK_EQ(result, -1); /* EIO */
	CHECK_EQ(read(slave, &result, 1), 0);
	close(slave);
	master = open_master();
	slave = open_slave(master);
	start_reader(&thread, &master);
	close(slave);
	pthread_join(thread, &result);
	CHECK_EQ(result, -1);
	close(master);
}

static void control(void)
{
	int master, status, out = dup(1);
	pid_t session, group = 0;
	pid_t child = forkpty(&master, NULL, NULL, NULL);

	if (child == 0) {
		char line[16];
		int fd = open("/dev/tty", O_RDWR);

		handle(SIGWINCH, catch, 0);
		handle(SIGHUP, catch, 0);
		CHECK(fd > 2);
		CHECK_EQ(tcgetpgrp(0), getpid());
		CHECK_EQ(tcgetsid(fd), getpid());
		CHECK_EQ(write(fd, "ready\n", 6), 6);
		CHECK_ERR(read(0, line, sizeof(line)), EINTR);
		CHECK_EQ(caught[SIGWINCH], 1);
		CHECK_EQ(write(1, "size\n", 5), 5);
		/* ^C kills the foreground. */
		mask(SIG_BLOCK, SIGINT);
		CHECK_EQ(write(1, "go\n", 3), 3);
		while (!(sigpending(&(sigset_t){}), caught[SIGHUP]))
			pause();
		/* The terminal is gone, and the session has none. */
		CHECK_ERR(write(1, line, 1), EIO);
		dup2(out, 1);
		CHECK_ERR(open("/dev/tty", O_RDWR), ENXIO);
		CHECK_EQ(read(0, line, 1), 0);
		sigset_t pending;
		sigpending(&pending);
		CHECK(sigismember(&pending, SIGINT));
		_exit(check_failures ? 1 : 7);
	}
	CHECK(child > 0);
	expect(master, "ready\r\n");
	CHECK_EQ(ioctl(master, TIOCGPGRP, &group), 0);
	CHECK_EQ(group, child);
	CHECK_EQ(ioctl(master, TIOCGSID, &session), 0);
	CHECK_EQ(session, child);
	WAIT_UNTIL(process_state(child) == 'S');
	struct winsize size = {.ws_row = 10, .ws_col = 20};
	CHECK_EQ(ioctl(master, TIOCSWINSZ, &size), 0);
	expect(master, "size\r\ngo\r\n");
	CHECK_EQ(write(master, "\3", 1), 1);
	expect(master, "^C");
	WAIT_UNTIL(process_state(child) == 'S');
	close(master);
	status = wait_status(child);
	CHECK_EQ(status, EXITED(7));
	close(out);
}

/* TIOCSIG sends what a typed character can send, and nothing else. */
static void typed_signals(void)
{
	static const int others[] = {0, -1, SIGKILL, SIGHUP, SIGWINCH, SIGCONT, SIGUSR1, 65};
	static const int typed[] = {SIGINT, SIGQUIT, SIGTSTP};
	int master;
	pid_t child = forkpty(&master, NULL, NULL, NULL);

	if (child == 0) {
		for (int i = 0; i < 3; i++)
			handle(typed[i], catch, 0);
		(void)!write(1, "ready\n", 6);
		while (!caught[SIGINT] || !caught[SIGQUIT] || !caught[SIGTSTP])
			sleep_ms(1);
		_exit(7);
	}
	CHECK(child > 0);
	expect(master, "ready\r\n");
	for (size_t i = 0; i < COUNT_OF(others); i++)
		CHECK_ERR(ioctl(master, TIOCSIG, others[i]), EINVAL);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(ioctl(master, TIOCSIG, typed[i]), 0);
	CHECK_EQ(wait_status(child), EXITED(7));
	close(master);
}

/* A leader that reads ends when its terminal goes, and its group gets SIGHUP. */
static void hang_up_of_a_reader(void)
{
	int master, to[2];
	pid_t leader, other = 0;

	for (int round = 0; round < 20; round++) {
		char byte;

		MUST(pipe(to));
		leader = forkpty(&master, NULL, NULL, NULL);
		if (leader == 0) {
			signal(SIGHUP, SIG_DFL);
			other = SPAWN(for (;;) pause());
			(void)!write(to[1], &other, sizeof(other));
			_exit(read(0, &byte, 1) != 0);
		}
		CHECK_EQ(read(to[0], &other, sizeof(other)), sizeof(other));
		WAIT_UNTIL(process_state(leader) == 'S');
		close(master);
		CHECK_EQ(wait_status(leader), KILLED(SIGHUP));
		WAIT_UNTIL(kill(other, 0) < 0 || process_state(other) == 'Z');
		close(to[0]);
		close(to[1]);
	}
}

/* When the leader ends after its terminal has gone, the foreground group gets SIGHUP. */
static void hang_up(void)
{
	int master, to[2];
	pid_t leader, job = 0;
	char byte;

	MUST(pipe(to));
	leader = forkpty(&master, NULL, NULL, NULL);
	if (leader == 0) {
		signal(SIGTTOU, SIG_IGN);
		job = SPAWN(for (;;) pause());
		setpgid(job, job);
		tcsetpgrp(0, job);
		handle(SIGHUP, catch, 0);
		(void)!write(to[1], &job, sizeof(job));
		while (!caught[SIGHUP])
			sleep_ms(1);
		(void)!write(to[1], "x", 1);
		pause();
	}
	CHECK_EQ(read(to[0], &job, sizeof(job)), sizeof(job));
	close(master);
	CHECK_EQ(read(to[0], &byte, 1), 1);
	/* The leader has got SIGHUP, the group not yet. */
	WAIT_UNTIL(process_state(job) == 'S');
	kill(leader, SIGKILL);
	CHECK_EQ(wait_status(leader), KILLED(SIGKILL));
	WAIT_UNTIL(kill(job, 0) < 0 || process_state(job) == 'Z');
	close(to[0]);
	close(to[1]);
}

static void peer(void)
{
	int master = open_master(),
	    slave = (int)MUST(ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));

	CHECK_EQ(fcntl(slave, F_GETFD), FD_CLOEXEC);
	CHECK(!strcmp(ttyname(slave) ?: "", slave_name(master)));
	close(slave);
	close(master);
}

static void many(void)
{
	enum { MANY = 60 };
	int masters[MANY];

	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < MANY; i++)
			masters[i] = open_master();
		for (int i = 0; i < MANY; i++)
			close(masters[i]);
	}
}

/* Terminals of the machine are not for all users. */
static void terminals_of_the_machine(void)
{
	static const char *const names[] = {"/dev/console", "/dev/tty0", "/dev/tty1", "/dev/ttyS0"};
	struct stat s;

	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (stat(names[i], &s) == 0) /* a container has none */
			CHECK_EQ(s.st_mode & 0006, 0);
	CHECK_EQ(stat("/dev/tty", &s), 0);
	CHECK_EQ(s.st_mode & 0666, 0666);
}

int main(void)
{
	check_start();
	RUN(names);
	RUN(old_name);
	RUN(both_directions);
	RUN(settings);
	RUN(old_settings);
	RUN(locked_settings);
	RUN(exclusive);
	RUN(flow);
	RUN(full);
	RUN(ends);
	RUN(waiting_ends);
	RUN(control);
	RUN(typed_signals);
	RUN(hang_up);
	RUN(hang_up_of_a_reader);
	RUN(peer);
	RUN(many);
	RUN(terminals_of_the_machine);
	return check_end();
}
