/* SPDX-License-Identifier: MIT
 *
 * POSIX message queues: names, priorities, full and empty queues, deadlines, notification.
 */
#include <grp.h>
#include <mqueue.h>
#include <poll.h>

#include "check.h"

static char name[40], other[40], buffer[8192];

static mqd_t open_queue(int flags, long most, long size)
{
	struct mq_attr a = {.mq_maxmsg = most, .mq_msgsize = size};

	return MUST(mq_open(name, O_CREAT | O_EXCL | flags, 0600, &a));
}

static void close_queue(mqd_t q)
{
	CHECK_EQ(mq_close(q), 0);
	CHECK_EQ(mq_unlink(name), 0);
}

static struct mq_attr attributes(mqd_t q)
{
	struct mq_attr a = {0};

	CHECK_EQ(mq_getattr(q, &a), 0);
	return a;
}

static struct timespec in_ms(long ms)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_nsec += ms * 1000000;
	t.tv_sec += t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	return t;
}

/* Receive; is it this message? */
static bool got(mqd_t q, const char *text, unsigned priority)
{
	unsigned p = 77777;
	ssize_t n = mq_receive(q, buffer, sizeof(buffer), &p);

	return CHECK_EQ(n, strlen(text)) && CHECK_EQ(memcmp(buffer, text, n), 0) &&
	       CHECK_EQ(p, priority);
}

static void on_signal(int number)
{
	(void)number;
}

static void priorities(void)
{
	mqd_t q = open_queue(O_RDWR, 10, 100);

	CHECK_EQ(mq_send(q, "low", 3, 1), 0);
	CHECK_EQ(mq_send(q, "high", 4, 9), 0);
	CHECK_EQ(mq_send(q, "low too", 7, 1), 0);
	CHECK_EQ(mq_send(q, "", 0, 5), 0);
	CHECK_EQ(mq_send(q, "top", 3, 32767), 0);
	CHECK_EQ(attributes(q).mq_curmsgs, 5);
	got(q, "top", 32767);
	got(q, "high", 9);
	got(q, "", 5);
	got(q, "low", 1);
	CHECK_EQ(mq_send(q, "middle", 6, 1), 0);
	got(q, "low too", 1);
	got(q, "middle", 1);
	CHECK_ERR(mq_send(q, "", 0, 32768), EINVAL);
	CHECK_ERR(mq_send(q, buffer, 101, 0), EMSGSIZE);
	CHECK_EQ(mq_send(q, buffer, 100, 0), 0);
	CHECK_ERR(mq_receive(q, buffer, 99, NULL), EMSGSIZE);
	CHECK_EQ(mq_receive(q, buffer, 100, NULL), 100);
	CHECK_ERR(mq_send(q, BAD, 10, 0), EFAULT);
	CHECK_EQ(attributes(q).mq_curmsgs, 0);
	close_queue(q);
}

static void names(void)
{
	static char longest[300];
	struct mq_attr a = {.mq_maxmsg = 3, .mq_msgsize = 64}, bad;
	mqd_t q, r;

	CHECK_ERR(mq_open(name, O_RDWR), ENOENT);
	CHECK_ERR(mq_unlink(name), ENOENT);
	q = MUST(mq_open(name, O_CREAT | O_RDWR, 0600, &a));
	CHECK_ERR(mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &a), EEXIST);
	a.mq_maxmsg = 5;
	r = MUST(mq_open(name, O_CREAT | O_RDONLY, 0600, &a));
	CHECK_EQ(attributes(r).mq_maxmsg, 3);
	CHECK_ERR(mq_send(r, "x", 1, 0), EBADF);
	CHECK_EQ(mq_close(r), 0);
	r = MUST(mq_open(name, O_WRONLY));
	CHECK_ERR(mq_receive(r, buffer, sizeof(buffer), NULL), EBADF);
	CHECK_EQ(mq_send(r, "kept", 4, 0), 0);
	CHECK_EQ(fcntl(r, F_GETFD), FD_CLOEXEC);
	/* The queue stays for those who have it open. */
	CHECK_EQ(mq_unlink(name), 0);
	CHECK_ERR(mq_open(name, O_RDWR), ENOENT);
	got(q, "kept", 0);
	CHECK_EQ(mq_close(q), 0);
	CHECK_EQ(mq_close(r), 0);
	CHECK_ERR(mq_send(r, "x", 1, 0), EBADF);
	CHECK_ERR(mq_getattr(1, &a), EBADF);
	CHECK_ERR(mq_receive(0, buffer, sizeof(buffer), NULL), EBADF);
	/* And the messages for those who open it later. */
	q = open_queue(O_RDWR, 2, 64);
	CHECK_EQ(mq_send(q, "later", 5, 0), 0);
	CHECK_EQ(mq_close(q), 0);
	q = MUST(mq_open(name, O_RDONLY));
	got(q, "later", 0);
	close_queue(q);
	CHECK_ERR(syscall(SYS_mq_open, "a/b", O_CREAT | O_RDWR, 0600, NULL), EACCES);
	CHECK_ERR(syscall(SYS_mq_open, "..", O_CREAT | O_RDWR, 0600, NULL), EACCES);
	CHECK_ERR(syscall(SYS_mq_open, "", O_CREAT | O_RDWR, 0600, NULL), ENOENT);
	CHECK_ERR(syscall(SYS_mq_open, BAD, O_RDWR), EFAULT);
	memset(longest, 'x', 256);
	CHECK_ERR(syscall(SYS_mq_open, longest, O_CREAT | O_RDWR, 0600, NULL), ENAMETOOLONG);
	CHECK_ERR(syscall(SYS_mq_unlink, longest), ENAMETOOLONG);
	CHECK_ERR(syscall(SYS_mq_open, name + 1, O_CREAT | O_RDWR, 0600, BAD), EFAULT);
	bad = (struct mq_attr){.mq_maxmsg = 0, .mq_msgsize = 1};
	CHECK_ERR(mq_open(name, O_CREAT | O_RDWR, 0600, &bad), EINVAL);
	bad = (struct mq_attr){.mq_maxmsg = 1, .mq_msgsize = -1};
	CHECK_ERR(mq_open(name, O_CREAT | O_RDWR, 0600, &bad), EINVAL);
	bad = (struct mq_attr){.mq_maxmsg = LONG_MAX, .mq_msgsize = 1};
	CHECK_ERR(mq_open(name, O_CREAT | O_RDWR, 0600, &bad), EINVAL);
	q = open_queue(O_RDWR, 1, 10);
	CHECK_ERR(mq_open(name, O_RDWR | O_WRONLY), EINVAL);
	close_queue(q);
}

static void flags(void)
{
	mqd_t q = open_queue(O_RDWR | O_NONBLOCK, 2, 10);
	struct mq_attr a = attributes(q), old;

	CHECK_EQ(a.mq_flags, O_NONBLOCK);
	CHECK_EQ(a.mq_maxmsg, 2);
	CHECK_EQ(a.mq_msgsize, 10);
	CHECK_ERR(mq_receive(q, buffer, 10, NULL), EAGAIN);
	CHECK_EQ(mq_send(q, "a", 1, 0), 0);
	CHECK_EQ(mq_send(q, "b", 1, 0), 0);
	CHECK_ERR(mq_send(q, "c", 1, 0), EAGAIN);
	a.mq_flags = 0;
	a.mq_maxmsg = 7; /* ignored */
	CHECK_EQ(mq_setattr(q, &a, &old), 0);
	CHECK_EQ(old.mq_flags, O_NONBLOCK);
	CHECK_EQ(old.mq_curmsgs, 2);
	CHECK_EQ(attributes(q).mq_flags, 0);
	CHECK_EQ(attributes(q).mq_maxmsg, 2);
	CHECK_EQ(fcntl(q, F_GETFL) & O_NONBLOCK, 0);
	a.mq_flags = O_APPEND;
	CHECK_ERR(mq_setattr(q, &a, NULL), EINVAL);
	close_queue(q);
	/* Without attributes: the defaults. */
	q = MUST(mq_open(name, O_CREAT | O_RDWR, 0600, NULL));
	CHECK_EQ(attributes(q).mq_maxmsg, 10);
	CHECK_EQ(attributes(q).mq_msgsize, 8192);
	close_queue(q);
}

static void deadlines(void)
{
	mqd_t q = open_queue(O_RDWR, 1, 10);
	long before = now_ms();
	struct timespec t = in_ms(20), bad = {0, 1000000000}, negative = {-1, 0};

	CHECK_ERR(mq_timedreceive(q, buffer, 10, NULL, &t), ETIMEDOUT);
	CHECK(now_ms() - before >= 15);
	CHECK_ERR(mq_timedreceive(q, buffer, 10, NULL, &t), ETIMEDOUT); /* it has passed */
	CHECK_ERR(mq_timedreceive(q, buffer, 10, NULL, &bad), EINVAL);
	CHECK_ERR(mq_timedreceive(q, buffer, 10, NULL, &negative), EINVAL);
	CHECK_EQ(mq_timedsend(q, "x", 1, 0, &t), 0); /* there is room: it does not matter */
	t = in_ms(20);
	CHECK_ERR(mq_timedsend(q, "y", 1, 0, &t), ETIMEDOUT);
	CHECK_EQ(attributes(q).mq_curmsgs, 1);
	t.tv_sec -= 10; /* a message is there: it does not matter */
	CHECK_EQ(mq_timedreceive(q, buffer, 10, NULL, &t), 1);
	close_queue(q);
}

static void waiting(void)
{
	mqd_t q = open_queue(O_RDWR, 1, 10);
	pid_t a, b;

	a = SPAWN(CHECK_EQ(mq_receive(q, buffer, 10, NULL), 5));
	WAIT_UNTIL(is_asleep(a));
	b = SPAWN(CHECK_EQ(mq_receive(q, buffer, 10, NULL), 6));
	WAIT_UNTIL(is_asleep(b));
	/* The one that has waited longest gets the message, which was never in the queue. */
	CHECK_EQ(mq_send(q, "first", 5, 0), 0);
	CHECK_EQ(wait_status(a), 0);
	CHECK_EQ(mq_send(q, "second", 6, 0), 0);
	CHECK_EQ(wait_status(b), 0);
	CHECK_EQ(mq_send(q, "1", 1, 0), 0);
	a = SPAWN(CHECK_EQ(mq_send(q, "2", 1, 0), 0));
	WAIT_UNTIL(is_asleep(a));
	b = SPAWN(CHECK_EQ(mq_send(q, "3", 1, 9), 0));
	WAIT_UNTIL(is_asleep(b));
	CHECK_EQ(attributes(q).mq_curmsgs, 1);
	got(q, "1", 0);
	CHECK_EQ(wait_status(a), 0);
	CHECK_EQ(attributes(q).mq_curmsgs, 1);
	got(q, "2", 0);
	CHECK_EQ(wait_status(b), 0);
	got(q, "3", 9);
	/* Signals. */
	sigaction(SIGUSR1, &(struct sigaction){.sa_handler = on_signal}, NULL);
	sigaction(SIGUSR2, &(struct sigaction){.sa_handler = on_signal, .sa_flags = SA_RESTART},
		  NULL);
	a = SPAWN(CHECK_ERR(mq_receive(q, buffer, 10, NULL), EINTR));
	b = SPAWN(CHECK_EQ(mq_receive(q, buffer, 10, NULL), 1));
	WAIT_UNTIL(is_asleep(a));
	WAIT_UNTIL(is_asleep(b));
	kill(b, SIGUSR2);
	WAIT_UNTIL(is_asleep(b));
	kill(a, SIGUSR1);
	CHECK_EQ(wait_status(a), 0);
	CHECK_EQ(mq_send(q, "x", 1, 0), 0);
	CHECK_EQ(wait_status(b), 0);
	a = SPAWN(mq_receive(q, buffer, 10, NULL));
	WAIT_UNTIL(is_asleep(a));
	kill(a, SIGKILL);
	CHECK_EQ(wait_status(a), KILLED(SIGKILL));
	CHECK_EQ(mq_send(q, "left", 4, 0), 0);
	got(q, "left", 0);
	close_queue(q);
}

static void polled(void)
{
	struct pollfd p = {0, POLLIN | POLLOUT, 0};
	pid_t child;
	mqd_t q;

	SKIP_IF(!has_call(SYS_poll), "no poll()");
	p.fd = q = open_queue(O_RDWR, 1, 10);
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(p.revents, POLLOUT);
	CHECK_EQ(mq_send(q, "x", 1, 0), 0);
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(p.revents, POLLIN);
	child = SPAWN(p.events = POLLOUT; CHECK_EQ(poll(&p, 1, 20000), 1));
	WAIT_UNTIL(is_asleep(child));
	got(q, "x", 0);
	CHECK_EQ(wait_status(child), 0);
	child = SPAWN(p.events = POLLIN; CHECK_EQ(poll(&p, 1, 20000), 1); got(q, "y", 1));
	WAIT_UNTIL(is_asleep(child));
	CHECK_EQ(mq_send(q, "y", 1, 1), 0);
	CHECK_EQ(wait_status(child), 0);
	close_queue(q);
}

static siginfo_t seen;
static volatile sig_atomic_t signals;

static void on_message(int number, siginfo_t *info, void *context)
{
	(void)number, (void)context;
	seen = *info;
	signals = signals + 1;
}

static void notify_by_signal(void)
{
	mqd_t q = open_queue(O_RDWR, 5, 10), again;
	struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct sigevent bad = {.sigev_notify = 99}, none = {.sigev_notify = SIGEV_NONE};
	pid_t child;

	e.sigev_value.sival_int = 4711;
	sigaction(SIGUSR1, &(struct sigaction){.sa_sigaction = on_message, .sa_flags = SA_SIGINFO},
		  NULL);
	signals = 0;
	CHECK_ERR(mq_notify(q, &bad), EINVAL);
	bad = (struct sigevent){.sigev_notify = SIGEV_SIGNAL, .sigev_signo = 65};
	CHECK_ERR(mq_notify(q, &bad), EINVAL);
	CHECK_ERR(mq_notify(99, &e), EBADF);
	CHECK_EQ(mq_notify(q, &e), 0);
	CHECK_ERR(mq_notify(q, &e), EBUSY);
	CHECK_EQ(IN_CHILD(CHECK_ERR(mq_notify(q, &e), EBUSY); CHECK_EQ(mq_notify(q, NULL), 0)), 0);
	child = SPAWN(CHECK_EQ(mq_send(q, "x", 1, 0), 0));
	CHECK_EQ(wait_status(child), 0);
	WAIT_UNTIL(signals == 1);
	CHECK_EQ(seen.si_code, SI_MESGQ);
	CHECK_EQ(seen.si_value.sival_int, 4711);
	CHECK_EQ(seen.si_pid, child);
	CHECK_EQ(seen.si_uid, getuid());
	/* Once, and only for a message into an empty queue. */
	CHECK_EQ(mq_send(q, "y", 1, 0), 0);
	CHECK_EQ(mq_notify(q, &e), 0);
	CHECK_EQ(mq_send(q, "z", 1, 0), 0);
	CHECK_EQ(signals, 1);
	got(q, "x", 0);
	got(q, "y", 0);
	got(q, "z", 0);
	/* Not if a receiver waits. */
	child = SPAWN(CHECK_EQ(mq_receive(q, buffer, 10, NULL), 1));
	WAIT_UNTIL(is_asleep(child));
	CHECK_EQ(mq_send(q, "w", 1, 0), 0);
	CHECK_EQ(wait_status(child), 0);
	CHECK_EQ(signals, 1);
	CHECK_EQ(mq_send(q, "v", 1, 0), 0);
	WAIT_UNTIL(signals == 2);
	got(q, "v", 0);
	/* Removed by the caller, by any close of its, and by its end. */
	CHECK_EQ(mq_notify(q, &e), 0);
	CHECK_EQ(mq_notify(q, NULL), 0);
	CHECK_EQ(mq_notify(q, NULL), 0);
	CHECK_EQ(mq_notify(q, &none), 0);
	CHECK_ERR(mq_notify(q, &e), EBUSY);
	again = MUST(mq_open(name, O_RDONLY));
	CHECK_EQ(mq_close(again), 0);
	CHECK_EQ(IN_CHILD(CHECK_EQ(mq_notify(q, &e), 0)), 0);
	CHECK_EQ(mq_send(q, "u", 1, 0), 0);
	CHECK_EQ(signals, 2);
	close_queue(q);
}

static int *told;
static volatile int told_value;

static void on_thread(union sigval value)
{
	told_value = value.sival_int;
	__atomic_add_fetch(told, 1, __ATOMIC_SEQ_CST);
}

/* The C library starts a thread that reads the kernel's cookie from a socket of AF_NETLINK. */
static void notify_by_thread(void)
{
	static int count;
	struct sigevent e = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = on_thread};
	mqd_t q;

	SKIP_IF(!has_call(SYS_socket), "no sockets");
	q = open_queue(O_RDWR, 5, 10);
	told = &count;
	e.sigev_value.sival_int = 5;
	for (int i = 1; i <= 3; i++) {
		CHECK_EQ(mq_notify(q, &e), 0);
		CHECK_EQ(mq_send(q, "x", 1, 0), 0);
		WAIT_UNTIL(__atomic_load_n(&count, __ATOMIC_SEQ_CST) == i);
		CHECK_EQ(told_value, 5);
		got(q, "x", 0);
	}
	CHECK_EQ(mq_notify(q, &e), 0);
	CHECK_EQ(mq_notify(q, NULL), 0);
	CHECK_EQ(mq_send(q, "x", 1, 0), 0);
	got(q, "x", 0);
	CHECK_EQ(count, 3);
	/* A descriptor that is no such socket. */
	char cookie[32] = {0};
	struct {
		void *value;
		int signal, notify;
		long rest[6];
	} raw = {cookie, 1, SIGEV_THREAD, {0}};
	CHECK_ERR(syscall(SYS_mq_notify, q, &raw), ENOTSOCK);
	raw.signal = 99;
	CHECK_ERR(syscall(SYS_mq_notify, q, &raw), EBADF);
	raw.value = BAD;
	CHECK_ERR(syscall(SYS_mq_notify, q, &raw), EFAULT);
	close_queue(q);
}

static void limits(void)
{
	struct rlimit limit, small = {20000, 20000};
	struct mq_attr a = {.mq_maxmsg = 10, .mq_msgsize = 1000};
	mqd_t q;

	MUST(getrlimit(RLIMIT_MSGQUEUE, &limit));
	CHECK_EQ(limit.rlim_cur, 819200);
	CHECK_EQ(
	    IN_CHILD(MUST(setrlimit(RLIMIT_MSGQUEUE, &small));
		     q = MUST(mq_open(name, O_CREAT | O_RDWR, 0600, &a));
		     CHECK_ERR(mq_open(other, O_CREAT | O_RDWR, 0600, &a), EMFILE); mq_unlink(name);
		     CHECK_ERR(mq_open(other, O_CREAT | O_RDWR, 0600, &a), EMFILE); mq_close(q);
		     MUST(q = mq_open(other, O_CREAT | O_RDWR, 0600, &a)); mq_unlink(other)),
	    0);
	SKIP_IF(geteuid() != 0, "wants root");
	a.mq_maxmsg = 11;
	CHECK_EQ(IN_CHILD(setgroups(0, NULL); MUST(setgid(77)); MUST(setuid(77));
			  CHECK_ERR(mq_open(name, O_CREAT | O_RDWR, 0600, &a), EINVAL);
			  a.mq_maxmsg = 10; a.mq_msgsize = 8193;
			  CHECK_ERR(mq_open(name, O_CREAT | O_RDWR, 0600, &a), EINVAL)),
		 0);
}

static void rights(void)
{
	struct mq_attr a = {.mq_maxmsg = 1, .mq_msgsize = 10};
	mqd_t q;
	struct stat s;

	SKIP_IF(geteuid() != 0, "wants root");
	q = MUST(mq_open(name, O_CREAT | O_RDWR, 0644, &a));
	CHECK_EQ(fstat(q, &s), 0);
	CHECK_EQ(s.st_mode, S_IFREG | 0644);
	CHECK_EQ(s.st_uid, 0);
	CHECK_EQ(s.st_size, 80);
	CHECK_EQ(IN_CHILD(setgroups(0, NULL); MUST(setgid(77)); MUST(setuid(77));
			  CHECK_ERR(mq_open(name, O_RDWR), EACCES);
			  CHECK_ERR(mq_open(name, O_WRONLY), EACCES); MUST(mq_open(name, O_RDONLY));
			  CHECK_ERR(mq_unlink(name), EACCES);
			  q = MUST(mq_open(other, O_CREAT | O_RDWR, 0200, &a));
			  CHECK_EQ(fstat(q, &s), 0); CHECK_EQ(s.st_uid, 77);
			  CHECK_ERR(mq_open(other, O_RDONLY), EACCES);
			  CHECK_EQ(mq_unlink(other), 0)),
		 0);
	CHECK_EQ(fchmod(q, 0666), 0);
	CHECK_EQ(IN_CHILD(setgroups(0, NULL); MUST(setgid(77)); MUST(setuid(77));
			  MUST(mq_open(name, O_RDWR))),
		 0);
	close_queue(q);
}

/* read() tells what is in the queue. */
static void status(void)
{
	mqd_t q = open_queue(O_RDWR, 5, 10);
	struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	char text[100] = {0}, want[100];

	CHECK_EQ(mq_send(q, "abc", 3, 0), 0);
	CHECK_EQ(mq_send(q, "de", 2, 0), 0);
	CHECK_EQ(mq_notify(q, &e), 0);
	CHECK(read(q, text, sizeof(text)) > 0);
	snprintf(want, sizeof(want), "QSIZE:%-10d NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n", 5, 0,
		 SIGUSR1, getpid());
	CHECK_EQ(strcmp(text, want), 0);
	CHECK_EQ(read(q, text, sizeof(text)), 0);
	CHECK_ERR(write(q, "x", 1), EINVAL);
	close_queue(q);
}

/* Many senders and receivers: nothing is lost or doubled. */
static void many(void)
{
	enum { WORKERS = 4, ROUNDS = 250 };
	mqd_t q = open_queue(O_RDWR, 3, sizeof(int));
	int *sum = map_shared(PAGE);
	pid_t child[2 * WORKERS];

	for (int i = 0; i < WORKERS; i++) {
		child[2 * i] = SPAWN(for (int n = 1; n <= ROUNDS; n++)
					 CHECK_EQ(mq_send(q, (char *)&n, sizeof(n), n % 5), 0));
		child[2 * i + 1] = SPAWN(for (int n = 0, v; n < ROUNDS; n++) {
			CHECK_EQ(mq_receive(q, (char *)&v, sizeof(v), NULL), sizeof(v));
			__atomic_add_fetch(sum, v, __ATOMIC_RELAXED);
		});
	}
	for (int i = 0; i < 2 * WORKERS; i++)
		CHECK_EQ(wait_status(child[i]), 0);
	CHECK_EQ(*sum, WORKERS * ROUNDS * (ROUNDS + 1) / 2);
	CHECK_EQ(attributes(q).mq_curmsgs, 0);
	close_queue(q);
}

/* Kills, deadlines and notifications at any moment. */
static void races(void)
{
	struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = 0};

	for (int round = 0; round < 15; round++) {
		mqd_t q = open_queue(O_RDWR, 2, 10);
		pid_t child[6];

		for (int i = 0; i < 6; i++)
			child[i] = SPAWN(for (;;) {
				struct timespec t = in_ms(1);

				if (i < 2)
					mq_timedsend(q, "x", 1, i, &t);
				else if (i < 5)
					mq_timedreceive(q, buffer, 10, NULL, &t);
				else
					mq_notify(q, &e);
			});
		usleep(2000 + round * 300);
		for (int i = 0; i < 6; i++)
			kill(child[i], SIGKILL);
		for (int i = 0; i < 6; i++)
			CHECK_EQ(wait_status(child[i]), KILLED(SIGKILL));
		CHECK_EQ(mq_notify(q, &e), 0);
		CHECK(attributes(q).mq_curmsgs <= 2);
		close_queue(q);
	}
}

int main(void)
{
	check_start();
	snprintf(name, sizeof(name), "/heddle-%d", getpid());
	snprintf(other, sizeof(other), "/heddle-%d-other", getpid());
	RUN(priorities);
	RUN(names);
	RUN(flags);
	RUN(deadlines);
	RUN(waiting);
	RUN(polled);
	RUN(notify_by_signal);
	RUN(notify_by_thread);
	RUN(limits);
	RUN(rights);
	RUN(status);
	RUN(many);
	RUN(races);
	return check_end();
}
