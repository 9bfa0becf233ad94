/* SPDX-License-Identifier: MIT
 *
 * timerfd: once and repeated, relative and absolute, reading, poll, setting the clock, errors.
 */
#include <poll.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

#include "check.h"

#define MS  1000000L
#define FAR 4000000000000000000 /* in the year 2096 */

static const int clocks[] = {CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME};

static struct timespec ns(long n)
{
	return (struct timespec){n / 1000000000, n % 1000000000};
}

static long clock_ns(int clock)
{
	struct timespec t;

	MUST(clock_gettime(clock, &t));
	return t.tv_sec * 1000000000 + t.tv_nsec;
}

static void set(int fd, int flags, long value, long interval)
{
	struct itimerspec s = {.it_value = ns(value), .it_interval = ns(interval)};

	CHECK_EQ(timerfd_settime(fd, flags, &s, NULL), 0);
}

static long left(int fd)
{
	struct itimerspec s;

	CHECK_EQ(timerfd_gettime(fd, &s), 0);
	return s.it_value.tv_sec * 1000000000 + s.it_value.tv_nsec;
}

static long get(int fd)
{
	uint64_t ticks = 77;
	ssize_t n = read(fd, &ticks, 8);

	return n == 8 ? (long)ticks : n == 0 ? 0 : -errno;
}

static bool ready(int fd)
{
	struct pollfd f = {fd, POLLIN | POLLOUT, 0};

	return poll(&f, 1, 0) == 1 && f.revents == POLLIN;
}

static void once(void)
{
	for (int i = 0; i < 3; i++) {
		int fd = MUST(timerfd_create(clocks[i], 0));
		long start = clock_ns(CLOCK_MONOTONIC);

		CHECK_EQ(left(fd), 0);
		set(fd, 0, 1000000 * MS, 0);
		CHECK(left(fd) > 900000 * MS && left(fd) <= 1000000 * MS);
		set(fd, 0, 30 * MS, 0);
		CHECK_EQ(get(fd), 1);
		CHECK(clock_ns(CLOCK_MONOTONIC) - start >= 30 * MS);
		CHECK_EQ(left(fd), 0);
		CHECK(!ready(fd));
		/* Absolute, in the future and in the past. */
		start = clock_ns(clocks[i]);
		set(fd, TFD_TIMER_ABSTIME, start + 1000000 * MS, 0);
		CHECK(left(fd) > 900000 * MS && left(fd) <= 1000000 * MS);
		set(fd, TFD_TIMER_ABSTIME, FAR, 0);
		CHECK(labs(FAR - clock_ns(clocks[i]) - left(fd)) < 1000000 * MS);
		set(fd, TFD_TIMER_ABSTIME, start + 30 * MS, 0);
		CHECK_EQ(get(fd), 1);
		CHECK(clock_ns(clocks[i]) - start >= 30 * MS);
		set(fd, TFD_TIMER_ABSTIME, 1, 0);
		CHECK_EQ(get(fd), 1);
		set(fd, TFD_TIMER_ABSTIME, start - 75 * MS, 10 * MS);
		CHECK(get(fd) >= 8);
		CHECK(left(fd) <= 10 * MS);
		close(fd);
	}
}

static void repeated(void)
{
	int fd = MUST(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
	struct itimerspec s = {{0, 10 * MS}, {0, 5 * MS}}, old;
	long start = clock_ns(CLOCK_MONOTONIC), ticks, most;

	CHECK_EQ(timerfd_settime(fd, 0, &s, NULL), 0);
	CHECK_EQ(get(fd) == -EAGAIN || clock_ns(CLOCK_MONOTONIC) - start >= 5 * MS, 1);
	sleep_ms(60);
	CHECK(ready(fd));
	ticks = get(fd);
	most = (clock_ns(CLOCK_MONOTONIC) - start + 5 * MS) / (10 * MS);
	CHECK(ticks >= 5 && ticks <= most);
	/* The rest is of the present period. */
	CHECK(left(fd) <= 10 * MS);
	CHECK_EQ(timerfd_gettime(fd, &s), 0);
	CHECK_EQ(s.it_interval.tv_nsec, 10 * MS);
	/* Asking does not take what has not been read. */
	sleep_ms(30);
	(void)left(fd);
	CHECK(get(fd) >= 2);
	/* Setting does. */
	sleep_ms(30);
	s = (struct itimerspec){{7, 0}, {1000, 5}};
	CHECK_EQ(timerfd_settime(fd, 0, &s, &old), 0);
	CHECK_EQ(old.it_interval.tv_nsec, 10 * MS);
	CHECK(old.it_value.tv_sec == 0 && old.it_value.tv_nsec <= 10 * MS);
	CHECK_EQ(get(fd), -EAGAIN);
	CHECK(left(fd) > 900 * 1000 * MS);
	/* Disarming. */
	s = (struct itimerspec){{5, 0}, {0, 0}};
	CHECK_EQ(timerfd_settime(fd, 0, &s, &old), 0);
	CHECK_EQ(old.it_interval.tv_sec, 7);
	CHECK(old.it_value.tv_sec >= 900);
	CHECK_EQ(left(fd), 0);
	close(fd);
}

static void waiting(void)
{
	int fd = MUST(timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC)), e = MUST(epoll_create1(0));
	struct epoll_event event = {.events = EPOLLIN | EPOLLET}, got;
	struct pollfd f = {fd, POLLIN, 0};
	pid_t parent = getpid(), child;

	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	set(fd, 0, 20 * MS, 0);
	CHECK_EQ(poll(&f, 1, 20000), 1);
	CHECK_EQ(get(fd), 1);
	MUST(epoll_ctl(e, EPOLL_CTL_ADD, fd, &event));
	CHECK_EQ(epoll_wait(e, &got, 1, 0), 0);
	set(fd, 0, 10 * MS, 10 * MS);
	CHECK_EQ(epoll_wait(e, &got, 1, 20000), 1);
	/* It goes on when it has been read. */
	CHECK_EQ(epoll_wait(e, &got, 1, 50), 0);
	CHECK(get(fd) >= 5);
	CHECK_EQ(epoll_wait(e, &got, 1, 20000), 1);
	/* A signal. */
	set(fd, 0, 0, 0);
	handle(SIGUSR1, catch, 0);
	child = SPAWN(WAIT_UNTIL(is_asleep(parent)); kill(parent, SIGUSR1));
	CHECK_EQ(get(fd), -EINTR);
	CHECK_EQ(wait_status(child), 0);
	/* Shared with a child, which sets it. */
	child = SPAWN(sleep_ms(10); set(fd, 0, 5 * MS, 0));
	CHECK_EQ(get(fd), 1);
	CHECK_EQ(wait_status(child), 0);
	close(fd);
	close(e);
}

static void errors(void)
{
	int fd = MUST(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK)), p[2];
	struct itimerspec s = {{0, 0}, {1000, 0}}, bad = {{0, 0}, {0, 1000000000}};
	uint64_t ticks;

	MUST(pipe(p));
	CHECK_ERR(timerfd_create(99, 0), EINVAL);
	CHECK_ERR(timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0), EINVAL);
	CHECK_ERR(timerfd_create(CLOCK_MONOTONIC_RAW, 0), EINVAL);
	CHECK_ERR(timerfd_create(CLOCK_MONOTONIC, 1), EINVAL);
	CHECK_ERR(timerfd_settime(fd, 4, &s, NULL), EINVAL);
	CHECK_ERR(timerfd_settime(fd, 0, &bad, NULL), EINVAL);
	bad = (struct itimerspec){{-1, 0}, {0, 0}};
	CHECK_ERR(timerfd_settime(fd, 0, &bad, NULL), EINVAL);
	CHECK_ERR(timerfd_settime(fd, 0, BAD, NULL), EFAULT);
	CHECK_ERR(timerfd_settime(999, 0, BAD, NULL), EFAULT);
	CHECK_ERR(timerfd_settime(999, 4, &s, NULL), EINVAL);
	CHECK_ERR(timerfd_settime(999, 0, &s, NULL), EBADF);
	CHECK_ERR(timerfd_settime(p[0], 0, &s, NULL), EINVAL);
	CHECK_ERR(timerfd_gettime(p[0], &s), EINVAL);
	CHECK_ERR(timerfd_gettime(999, &s), EBADF);
	CHECK_ERR(timerfd_gettime(fd, BAD), EFAULT);
	CHECK_EQ(left(fd), 0);
	CHECK_ERR(timerfd_settime(fd, 0, &s, BAD), EFAULT);
	CHECK(left(fd) > 0);
	CHECK_ERR(read(fd, &ticks, 7), EINVAL);
	CHECK_ERR(write(fd, &ticks, 8), EINVAL);
	CHECK_ERR(read(fd, &ticks, 8), EAGAIN);
	set(fd, 0, 1, 0);
	WAIT_UNTIL(ready(fd));
	CHECK_ERR(read(fd, BAD, 8), EFAULT);
	CHECK_ERR(read(fd, &ticks, 8), EAGAIN);
	/* Only root may wake the machine. */
	CHECK_EQ(IN_CHILD(MUST(timerfd_create(8, 0)); MUST(setuid(1000));
			  CHECK_ERR(timerfd_create(9, 0), EPERM)),
		 0);
	/* As long as can be. */
	s = (struct itimerspec){{0, 0}, {INT64_MAX, 999999999}};
	CHECK_EQ(timerfd_settime(fd, 0, &s, NULL), 0);
	CHECK(left(fd) > 1000000000 * MS);
	CHECK_EQ(timerfd_settime(fd, TFD_TIMER_ABSTIME, &s, NULL), 0);
	CHECK_EQ(get(fd), -EAGAIN);
	if (has_proc())
		CHECK_EQ(strcmp(fd_target(fd), "anon_inode:[timerfd]"), 0);
	close(fd);
	close(p[0]);
	close(p[1]);
}

/* Set the clock to what it is. */
static void set_clock(long by)
{
	struct timespec t = ns(clock_ns(CLOCK_REALTIME) + by);

	MUST(clock_settime(CLOCK_REALTIME, &t));
}

static void canceled(void)
{
	int fd = MUST(timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK)), other, mono;
	struct itimerspec s = {{0, 0}, {0, 0}};

	other = MUST(timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK));
	mono = MUST(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
	s.it_value = ns(clock_ns(CLOCK_REALTIME) + 1000000 * MS);
	set(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, FAR, 0);
	set(other, TFD_TIMER_ABSTIME, FAR, 0);
	set(mono, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, FAR, 0);
	CHECK(!ready(fd));
	set_clock(0);
	CHECK(ready(fd));
	CHECK_EQ(get(other), -EAGAIN);
	CHECK_EQ(get(mono), -EAGAIN);
	CHECK_EQ(get(fd), -ECANCELED);
	CHECK_EQ(get(fd), -EAGAIN);
	CHECK(left(fd) > 0);
	/* Setting it reports the same, and sets it. */
	set_clock(0);
	CHECK_ERR(timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &s, NULL),
		  ECANCELED);
	CHECK_EQ(get(fd), -EAGAIN);
	CHECK(left(fd) > 900000 * MS && left(fd) <= 1000000 * MS);
	/* A thread that waits. */
	MUST(fcntl(fd, F_SETFL, 0));
	pid_t parent = getpid(), child = SPAWN(WAIT_UNTIL(is_asleep(parent)); set_clock(0));
	CHECK_EQ(get(fd), -ECANCELED);
	CHECK_EQ(wait_status(child), 0);
	close(fd);
	close(other);
	close(mono);
}

/* Absolute times follow the clock. */
static void clock_moved(void)
{
	int fd, relative;

	if (!may_set_clock())
		return;
	fd = MUST(timerfd_create(CLOCK_REALTIME, 0));
	relative = MUST(timerfd_create(CLOCK_REALTIME, 0));
	set(fd, TFD_TIMER_ABSTIME, clock_ns(CLOCK_REALTIME) + 1000 * 1000 * MS, 1000 * MS);
	set(relative, 0, 2000 * 1000 * MS, 0);
	set_clock(990 * 1000 * MS);
	CHECK(left(fd) <= 10 * 1000 * MS);
	CHECK(left(relative) > 1900 * 1000 * MS);
	set_clock(15500 * MS);
	CHECK(get(fd) >= 6);
	/* Back: what it counted is undone. */
	sleep_ms(1100);
	WAIT_UNTIL(ready(fd));
	set_clock(-1000 * 1000 * MS);
	CHECK_EQ(get(fd), 0);
	CHECK(left(fd) > 900 * 1000 * MS);
	set(fd, TFD_TIMER_ABSTIME, clock_ns(CLOCK_REALTIME) + 50 * MS, 0);
	set_clock(-100 * MS);
	sleep_ms(60);
	CHECK(left(fd) >= 0 && (left(fd) > 0 || clock_ns(CLOCK_REALTIME) > 0));
	/* 0: it had expired before the clock was set. */
	long ticks = get(fd);
	CHECK_EQ(ticks ? ticks : get(fd), 1);
	set_clock(-5400 * MS);
	close(fd);
	close(relative);
}

/* Threads set, read and wait; the clock is set meanwhile. */
static atomic_bool stop;
static int shared;

static void *use(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg;

	while (!stop) {
		struct pollfd f = {shared, POLLIN, 0};

		switch (rand_r(&seed) % 4) {
		case 0: {
			struct itimerspec s = {{0, rand_r(&seed) % 2 ? 1 : 0},
					       {0, 1 + rand_r(&seed) % 100000}};

			if (timerfd_settime(shared, 0, &s, NULL))
				CHECK_EQ(errno, ECANCELED);
			break;
		}
		case 1:
			(void)get(shared);
			break;
		case 2:
			(void)left(shared);
			break;
		default:
			poll(&f, 1, 1);
		}
	}
	return NULL;
}

static void all_at_once(void)
{
	pthread_t threads[4];

	stop = false;
	shared = MUST(timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK));
	for (int i = 0; i < 4; i++)
		MUST(-pthread_create(&threads[i], NULL, use, (void *)(uintptr_t)i));
	for (int i = 0; i < 200; i++) {
		int fd = MUST(timerfd_create(CLOCK_MONOTONIC, 0));

		set(fd, 0, i * 1000 + 1, 1);
		if (i % 10 == 0)
			sleep_ms(1);
		close(fd);
	}
	stop = true;
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	close(shared);
}

int main(void)
{
	check_start();
	RUN(once);
	RUN(repeated);
	RUN(waiting);
	RUN(errors);
	RUN(canceled);
	RUN(clock_moved);
	RUN(all_at_once);
	return check_end();
}
