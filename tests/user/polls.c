/* SPDX-License-Identifier: MIT
 *
 * poll, ppoll, select, pselect: what is ready, time-outs, signals, errors.
 */
#include <poll.h>
#include <sys/select.h>

#include "check.h"

static int p[2];

/* When it sleeps. */
static void kill_parent_soon(void)
{
	pid_t parent = getpid();

	if (SPAWN(WAIT_UNTIL(is_asleep(parent)); kill(parent, SIGUSR1)) < 0)
		exit(1);
}

static void reap(void)
{
	while (wait(NULL) > 0 || errno == EINTR)
		;
}

static void timeouts(void)
{
	struct pollfd f = {.fd = p[0], .events = POLLIN};
	struct timeval tv = {0, 60000};
	struct timespec ts = {0, 60000000};
	fd_set set;
	long start;

	CHECK_EQ(poll(&f, 1, 0), 0);
	start = now_ms();
	CHECK_EQ(poll(&f, 1, 60), 0);
	CHECK(now_ms() - start >= 60);
	CHECK_EQ(f.revents, 0);
	start = now_ms();
	CHECK_EQ(poll(NULL, 0, 60), 0);
	CHECK(now_ms() - start >= 60);
	FD_ZERO(&set);
	FD_SET(p[0], &set);
	start = now_ms();
	CHECK_EQ(select(p[0] + 1, &set, NULL, NULL, &tv), 0);
	CHECK(now_ms() - start >= 59);
	CHECK(!FD_ISSET(p[0], &set));
	start = now_ms();
	CHECK_EQ(pselect(0, NULL, NULL, NULL, &ts, NULL), 0);
	CHECK(now_ms() - start >= 59);
	CHECK_EQ(ts.tv_nsec, 60000000);
	/* Linux writes the time left: none. */
	tv = (struct timeval){0, 30000};
	CHECK_EQ(syscall(SYS_select, 0, NULL, NULL, NULL, &tv), 0);
	CHECK_EQ(tv.tv_usec, 0);
	/* The call, unlike the C library, carries microseconds over. */
	tv = (struct timeval){-1, 1030000};
	start = now_ms();
	CHECK_EQ(syscall(SYS_select, 0, NULL, NULL, NULL, &tv), 0);
	CHECK(now_ms() - start >= 29);
	CHECK_EQ(tv.tv_sec, 0);
}

static void readiness(void)
{
	struct pollfd f[5] = {{p[0], POLLIN, 0},
			      {p[1], POLLIN | POLLOUT, 0},
			      {-1, POLLIN, 77},
			      {999, POLLIN, 0},
			      {0, POLLIN | POLLOUT, 0}};
	struct timeval zero = {0, 0};
	fd_set r, w;
	int file = MUST(open("/dev/null", O_RDWR));

	f[4].fd = file;
	CHECK_EQ(poll(f, 5, -1), 3);
	CHECK_EQ(f[0].revents, 0);
	CHECK_EQ(f[1].revents, POLLOUT);
	CHECK_EQ(f[2].revents, 0);
	CHECK_EQ(f[3].revents, POLLNVAL);
	CHECK_EQ(f[4].revents, POLLIN | POLLOUT);
	MUST(write(p[1], "x", 1));
	f[1].fd = p[0];
	f[1].events = POLLRDNORM | POLLIN;
	CHECK_EQ(poll(f, 2, -1), 2);
	CHECK_EQ(f[1].revents, POLLRDNORM | POLLIN);
	FD_ZERO(&r);
	FD_ZERO(&w);
	FD_SET(p[0], &r);
	FD_SET(p[1], &w);
	FD_SET(file, &r);
	FD_SET(file, &w);
	CHECK_EQ(select(20, &r, &w, NULL, &zero), 4);
	CHECK(FD_ISSET(p[0], &r) && FD_ISSET(p[1], &w) && FD_ISSET(file, &r) && FD_ISSET(file, &w));
	char c;
	CHECK_EQ(read(p[0], &c, 1), 1);
	CHECK_EQ(select(20, &r, NULL, NULL, &zero), 1);
	CHECK(!FD_ISSET(p[0], &r) && FD_ISSET(file, &r));
	close(file);
}

static void errors(void)
{
	struct pollfd f = {p[0], POLLIN, 0};
	struct timeval bad = {-1, 0};
	struct timespec bad2 = {0, 1000000000};
	fd_set set;

	CHECK_ERR(poll(BAD, 1, 0), EFAULT);
	CHECK_ERR(poll(&f, 1U << 31, 0), EINVAL);
	CHECK_ERR(syscall(SYS_ppoll, &f, 1, &bad2, NULL, 8), EINVAL);
	CHECK_ERR(syscall(SYS_ppoll, &f, 1, BAD, NULL, 8), EFAULT);
	CHECK_ERR(syscall(SYS_ppoll, &f, 1, NULL, BAD, 8), EFAULT);
	CHECK_ERR(syscall(SYS_ppoll, &f, 1, NULL, &set, 9), EINVAL);
	FD_ZERO(&set);
	FD_SET(40, &set);
	CHECK_ERR(select(41, &set, NULL, NULL, NULL), EBADF);
	CHECK_ERR(select(-1, NULL, NULL, NULL, NULL), EINVAL);
	CHECK_ERR(syscall(SYS_select, 0, NULL, NULL, NULL, &bad), EINVAL);
	bad = (struct timeval){1, -1};
	CHECK_ERR(syscall(SYS_select, 0, NULL, NULL, NULL, &bad), EINVAL);
	bad = (struct timeval){INT64_MAX, 1000000};
	CHECK_ERR(syscall(SYS_select, 0, NULL, NULL, NULL, &bad), EINVAL);
	CHECK_ERR(syscall(SYS_select, 10, BAD, NULL, NULL, NULL), EFAULT);
	CHECK_ERR(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &bad2, NULL), EINVAL);
}

static void woken(void)
{
	struct pollfd f = {p[0], POLLIN, 0};
	char c;

	pid_t child = SPAWN(sleep_ms(30); MUST(write(p[1], "x", 1)));
	CHECK_EQ(poll(&f, 1, 20000), 1);
	CHECK_EQ(f.revents, POLLIN);
	CHECK_EQ(read(p[0], &c, 1), 1);
	CHECK_EQ(wait_status(child), 0);
	/* Also by the other's end. */
	int q[2];
	MUST(pipe(q));
	child = SPAWN(close(q[0]); sleep_ms(30));
	close(q[1]);
	f.fd = q[0];
	CHECK_EQ(poll(&f, 1, 20000), 1);
	CHECK_EQ(f.revents, POLLHUP);
	CHECK_EQ(wait_status(child), 0);
	close(q[0]);
}

static void signals(void)
{
	struct pollfd f = {p[0], POLLIN, 0};
	struct timespec long_time = {20, 0};
	sigset_t none = set_of(0), now;
	fd_set set;

	/* Never restarted, whatever the flags say. */
	handle(SIGUSR1, catch, SA_RESTART);
	kill_parent_soon();
	CHECK_ERR(poll(&f, 1, 20000), EINTR);
	CHECK_EQ(caught[SIGUSR1], 1);
	reap();
	kill_parent_soon();
	FD_ZERO(&set);
	FD_SET(p[0], &set);
	CHECK_ERR(select(p[0] + 1, &set, NULL, NULL, NULL), EINTR);
	CHECK_EQ(caught[SIGUSR1], 2);
	reap();
	/* With a mask: what is pending comes in, and the old mask is back. */
	mask(SIG_BLOCK, SIGUSR1);
	raise(SIGUSR1);
	CHECK_EQ(poll(&f, 1, 20), 0);
	CHECK_EQ(caught[SIGUSR1], 2);
	CHECK_ERR(ppoll(&f, 1, &long_time, &none), EINTR);
	CHECK_EQ(caught[SIGUSR1], 3);
	raise(SIGUSR1);
	CHECK_ERR(pselect(0, NULL, NULL, NULL, &long_time, &none), EINTR);
	CHECK_EQ(caught[SIGUSR1], 4);
	MUST(sigprocmask(SIG_SETMASK, NULL, &now));
	CHECK(sigismember(&now, SIGUSR1));
	mask(SIG_UNBLOCK, SIGUSR1);
	/* Stopped and continued, a time-out goes on. */
	pid_t child = SPAWN(long start = now_ms(); CHECK_EQ(poll(NULL, 0, 150), 0);
			    CHECK(now_ms() - start >= 150));
	sleep_ms(30);
	kill(child, SIGSTOP);
	sleep_ms(30);
	kill(child, SIGCONT);
	CHECK_EQ(wait_status(child), 0);
}

static void many(void)
{
	enum { COUNT = 200 };
	static struct pollfd f[COUNT];
	static int ends[COUNT];
	int pair[2];

	for (int i = 0; i < COUNT; i++) {
		MUST(pipe(pair));
		f[i] = (struct pollfd){pair[0], POLLIN, 0};
		ends[i] = pair[1];
	}
	for (int i = 0; i < COUNT; i += 3)
		MUST(write(ends[i], "x", 1));
	CHECK_EQ(poll(f, COUNT, -1), (COUNT + 2) / 3);
	for (int i = 0; i < COUNT; i++)
		CHECK_EQ(f[i].revents, i % 3 == 0 ? POLLIN : 0);
	for (int i = 0; i < COUNT; i++)
		close(f[i].fd), close(ends[i]);
}

/* The array changes while the call sleeps. */
static void *change_array(void *arg)
{
	struct pollfd *f = arg;

	WAIT_UNTIL(is_asleep(getpid()));
	f[0].fd = 999;
	f[0].events = 0;
	f[1].fd = -1;
	f[1].events = POLLOUT;
	MUST(write(p[1], "x", 1));
	return NULL;
}

static void array_changed(void)
{
	struct pollfd f[2] = {{p[0], POLLIN, 77}, {p[0], POLLPRI, 77}};
	pthread_t t;
	char c;

	CHECK_EQ(pthread_create(&t, NULL, change_array, f), 0);
	CHECK_EQ(poll(f, 2, -1), 1);
	/* The array was read once: the call polls what was there as it began. */
	CHECK_EQ(f[0].revents, POLLIN);
	CHECK_EQ(f[1].revents, 0);
	/* Only the results are written back. */
	CHECK_EQ(f[0].fd, 999);
	CHECK_EQ(f[0].events, 0);
	CHECK_EQ(f[1].fd, -1);
	CHECK_EQ(f[1].events, POLLOUT);
	pthread_join(t, NULL);
	CHECK_EQ(read(p[0], &c, 1), 1);
}

int main(void)
{
	check_start();
	MUST(pipe(p));
	RUN(timeouts);
	RUN(readiness);
	RUN(errors);
	RUN(woken);
	RUN(signals);
	RUN(many);
	RUN(array_changed);
	return check_end();
}
