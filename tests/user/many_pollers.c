/* SPDX-License-Identifier: MIT
 *
 * Dozens that poll one file.  A waker that has interrupts off wakes the first few of them and
 * leaves the others to a timer, and no program may see a difference.
 */
#include <poll.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#include "check.h"

#define MS	  1000000L
#define EPOLLS	  60
#define EXCLUSIVE 8 /* of them, where some are */

static int shared;

/* --- What the file says, its epolls say ------------------------------------------------------- */

/* An even one for levels, an odd one for edges. */
static void watch(int epolls[EPOLLS], int fd)
{
	for (int i = 0; i < EPOLLS; i++) {
		struct epoll_event e = {.events = EPOLLIN | (i % 2 ? (unsigned)EPOLLET : 0)};

		epolls[i] = MUST(epoll_create1(0));
		MUST(epoll_ctl(epolls[i], EPOLL_CTL_ADD, fd, &e));
	}
}

static void check_one(const int epolls[EPOLLS], int i)
{
	struct epoll_event e;

	CHECK_EQ(epoll_wait(epolls[i], &e, 1, 0), 1);
	CHECK_EQ(epoll_wait(epolls[i], &e, 1, 0), i % 2 ? 0 : 1);
}

/* From the first that came, which is woken last, or by poll(). */
static void check_all(const int epolls[EPOLLS], bool by_poll)
{
	for (int i = 0; i < EPOLLS; i++) {
		struct pollfd f = {epolls[i], POLLIN, 0};

		if (by_poll)
			CHECK_EQ(poll(&f, 1, 0), 1);
		check_one(epolls, i);
	}
}

static void close_all(const int epolls[EPOLLS])
{
	for (int i = 0; i < EPOLLS; i++)
		close(epolls[i]);
}

static int open_signal(void)
{
	sigset_t set = set_of(SIGUSR1);

	MUST(sigprocmask(SIG_BLOCK, &set, NULL));
	if (getpgrp() != getpid())
		MUST(setpgid(0, 0));
	return MUST(signalfd(-1, &set, SFD_NONBLOCK));
}

static void take_signal(int fd)
{
	struct signalfd_siginfo s;

	CHECK_EQ(read(fd, &s, sizeof(s)), (long)sizeof(s));
}

static void signals_heard(void)
{
	int fd = open_signal(), epolls[EPOLLS];
	struct epoll_event e;

	watch(epolls, fd);
	for (int i = 0; i < 20; i++) {
		CHECK_EQ(kill(0, SIGUSR1), 0);
		check_all(epolls, i % 2);
		take_signal(fd);
		CHECK_EQ(epoll_wait(epolls[0], &e, 1, 0), 0);
		/* The second comes while those of the first are being woken. */
		CHECK_EQ(kill(0, SIGUSR1), 0);
		take_signal(fd);
		CHECK_EQ(kill(0, SIGUSR1), 0);
		check_all(epolls, i % 2);
		take_signal(fd);
	}
	close_all(epolls);
	close(fd);
}

/* Each epoll lies in one of its own, and all in one: what is late is the inner ones, the outer
 * ones. */
static void signals_heard_outside(void)
{
	int fd = open_signal(), inner[EPOLLS], outer[EPOLLS], all[EPOLLS];
	struct epoll_event in = {.events = EPOLLIN};

	watch(inner, fd);
	for (int i = 0; i < EPOLLS; i++) {
		outer[i] = MUST(epoll_create1(0));
		in.events = EPOLLIN | (i % 2 ? (unsigned)EPOLLET : 0);
		MUST(epoll_ctl(outer[i], EPOLL_CTL_ADD, inner[i], &in));
	}
	watch(all, inner[0]);
	for (int i = 0; i < 20; i++) {
		CHECK_EQ(kill(0, SIGUSR1), 0);
		check_all(i % 2 ? outer : all, i / 2 % 2);
		take_signal(fd);
	}
	close_all(all);
	close_all(outer);
	close_all(inner);
	close(fd);
}

/* Threads look at once. */
#define THREADS 4
#define ROUNDS	40

static int heard_by[EPOLLS];
static pthread_barrier_t sent, looked;

static void *look(void *number)
{
	for (int round = 0; round < ROUNDS; round++) {
		pthread_barrier_wait(&sent);
		for (int i = (int)(long)number; i < EPOLLS; i += THREADS)
			check_one(heard_by, i);
		pthread_barrier_wait(&looked);
	}
	return NULL;
}

static void signals_heard_by_threads(void)
{
	pthread_t threads[THREADS];
	int fd = open_signal();

	watch(heard_by, fd);
	pthread_barrier_init(&sent, NULL, THREADS + 1);
	pthread_barrier_init(&looked, NULL, THREADS + 1);
	for (long i = 0; i < THREADS; i++)
		MUST(-pthread_create(&threads[i], NULL, look, (void *)i));
	for (int round = 0; round < ROUNDS; round++) {
		CHECK_EQ(kill(0, SIGUSR1), 0);
		pthread_barrier_wait(&sent);
		pthread_barrier_wait(&looked);
		take_signal(fd);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	close_all(heard_by);
	close(fd);
}

/* A thread sleeps, and an event comes before a signal that would end the sleep. */
static _Atomic pid_t sleeper;
static pthread_barrier_t taken;

static void *wait_for_event(void *unused)
{
	struct epoll_event e;

	for (int round = 0; round < ROUNDS; round++) {
		sleeper = (pid_t)syscall(SYS_gettid);
		CHECK_EQ(epoll_wait(heard_by[0], &e, 1, 60000), 1);
		pthread_barrier_wait(&looked);
		pthread_barrier_wait(&taken);
	}
	return unused;
}

static void event_before_signal(void)
{
	int fd = open_signal();
	pthread_t thread;

	handle(SIGUSR2, catch, 0);
	watch(heard_by, fd);
	pthread_barrier_init(&looked, NULL, 2);
	pthread_barrier_init(&taken, NULL, 2);
	MUST(-pthread_create(&thread, NULL, wait_for_event, NULL));
	for (int round = 0; round < ROUNDS; round++) {
		WAIT_UNTIL(sleeper && is_asleep(sleeper));
		CHECK_EQ(kill(0, SIGUSR1), 0);
		pthread_kill(thread, SIGUSR2);
		pthread_barrier_wait(&looked);
		take_signal(fd);
		sleeper = 0;
		pthread_barrier_wait(&taken);
	}
	pthread_join(thread, NULL);
	close_all(heard_by);
	close(fd);
}

static void set(int fd, long value)
{
	struct itimerspec s = {.it_value = {.tv_nsec = value}};

	CHECK_EQ(timerfd_settime(fd, 0, &s, NULL), 0);
}

static long get(int fd)
{
	uint64_t ticks = 77;
	ssize_t n = read(fd, &ticks, 8);

	return n == 8 ? (long)ticks : n == 0 ? 0 : -errno;
}

static void timer_heard(void)
{
	int fd = MUST(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK)), epolls[EPOLLS];
	struct pollfd f = {fd, POLLIN, 0};

	watch(epolls, fd);
	for (int i = 0; i < 20; i++) {
		set(fd, MS / 10);
		if (i % 2)
			CHECK_EQ(poll(&f, 1, 60000), 1);
		else
			WAIT_UNTIL(poll(&f, 1, 0) == 1);
		check_all(epolls, i / 2 % 2);
		CHECK_EQ(get(fd), 1);
	}
	close_all(epolls);
	close(fd);
}

static void terminal_heard(void)
{
	int master = MUST(posix_openpt(O_RDWR | O_NOCTTY)), slave, epolls[EPOLLS];
	struct epoll_event e;
	char c;

	CHECK_EQ(grantpt(master), 0);
	CHECK_EQ(unlockpt(master), 0);
	slave = MUST(open(ptsname(master), O_RDWR | O_NOCTTY));
	watch(epolls, master);
	for (int i = 0; i < 20; i++) {
		CHECK_EQ(write(slave, "a", 1), 1);
		/* On Linux another thread carries the byte over. */
		for (int n = 0; n < EPOLLS; n++)
			CHECK_EQ(epoll_wait(epolls[n], &e, 1, 60000), 1);
		CHECK_EQ(read(master, &c, 1), 1);
	}
	close_all(epolls);
	close(slave);
	close(master);
}

/* --- None is missed --------------------------------------------------------------------------- */

static atomic_bool stop;

static atomic_int woken[2]; /* plain ones, exclusive ones */
static _Atomic pid_t tids[EPOLLS];

static void *wait_in_epoll(void *arg)
{
	int number = (int)(uintptr_t)arg;
	struct epoll_event e = {.events = EPOLLIN | EPOLLET};
	int epoll = MUST(epoll_create1(0));

	if (number < EXCLUSIVE)
		e.events |= EPOLLEXCLUSIVE;
	MUST(epoll_ctl(epoll, EPOLL_CTL_ADD, shared, &e));
	tids[number] = (pid_t)syscall(SYS_gettid);
	CHECK_EQ(epoll_wait(epoll, &e, 1, 60000), 1);
	/* An expiration is one edge. */
	if (number >= EXCLUSIVE)
		CHECK_EQ(epoll_wait(epoll, &e, 1, 30), 0);
	woken[number < EXCLUSIVE]++;
	close(epoll);
	return NULL;
}

static void many_epolls(void)
{
	pthread_t threads[EPOLLS];

	woken[0] = woken[1] = 0;
	shared = MUST(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
	for (int i = 0; i < EPOLLS; i++)
		MUST(-pthread_create(&threads[i], NULL, wait_in_epoll, (void *)(uintptr_t)i));
	for (int i = 0; i < EPOLLS; i++)
		WAIT_UNTIL(tids[i] && is_asleep(tids[i]));
	for (int i = 1; i <= EXCLUSIVE; i++) {
		set(shared, MS);
		WAIT_UNTIL(woken[0] == EPOLLS - EXCLUSIVE && woken[1] == i);
		sleep_ms(20);
		CHECK_EQ(woken[1], i);
	}
	for (int i = 0; i < EPOLLS; i++)
		pthread_join(threads[i], NULL);
	close(shared);
}

/* Each expiration is seen by all, and one thread reads it.  Nothing else would wake those that it
 * has missed. */
static atomic_int seen, round_number, reads;

static void *see_rounds(void *arg)
{
	for (int i = 1; i <= ROUNDS; i++) {
		struct pollfd f = {shared, POLLIN, 0};

		CHECK_EQ(poll(&f, 1, 60000), 1);
		seen++;
		WAIT_UNTIL(round_number > i);
	}
	return arg;
}

static void *read_rounds(void *arg)
{
	int fd = *(int *)arg;

	for (int i = 1; i <= ROUNDS; i++) {
		CHECK_EQ(get(fd), 1);
		reads++;
	}
	return NULL;
}

static void *poll_until_stop(void *arg)
{
	struct pollfd f = {shared, POLLIN, 0};

	while (!stop)
		poll(&f, 1, 60000);
	return arg;
}

/* One timer has a reader and many that poll: the reader is woken though it came last, and a poll
 * that was woken late finds nothing. */
static void many_pollers(void)
{
	pthread_t threads[EPOLLS], reader;
	int fd;

	seen = 0;
	round_number = 1;
	shared = MUST(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
	for (int i = 0; i < EPOLLS; i++)
		MUST(-pthread_create(&threads[i], NULL, see_rounds, NULL));
	for (int i = 1; i <= ROUNDS; i++) {
		set(shared, i % 2 ? 3 * MS : MS / 10);
		WAIT_UNTIL(seen == i * EPOLLS);
		CHECK_EQ(get(shared), 1);
		round_number++;
	}
	for (int i = 0; i < EPOLLS; i++)
		pthread_join(threads[i], NULL);
	close(shared);

	reads = 0;
	stop = false;
	shared = fd = MUST(timerfd_create(CLOCK_MONOTONIC, 0));
	for (int i = 0; i < EPOLLS; i++)
		MUST(-pthread_create(&threads[i], NULL, poll_until_stop, NULL));
	MUST(-pthread_create(&reader, NULL, read_rounds, &fd));
	for (int i = 1; i <= ROUNDS; i++) {
		set(fd, MS);
		WAIT_UNTIL(reads == i);
	}
	stop = true;
	set(fd, MS);
	pthread_join(reader, NULL);
	for (int i = 0; i < EPOLLS; i++)
		pthread_join(threads[i], NULL);
	close(fd);
}

/* The timer is closed while its pollers are being woken. */
static void closed_while_waking(void)
{
	int epolls[EPOLLS];

	for (int i = 0; i < 50; i++) {
		struct epoll_event e = {.events = EPOLLIN};
		int fd = MUST(timerfd_create(CLOCK_MONOTONIC, 0));
		struct pollfd f = {fd, POLLIN, 0};

		for (int n = 0; n < EPOLLS; n++) {
			epolls[n] = MUST(epoll_create1(0));
			MUST(epoll_ctl(epolls[n], EPOLL_CTL_ADD, fd, &e));
		}
		set(fd, 1 + i * 10000);
		CHECK_EQ(poll(&f, 1, -1), 1);
		if (i % 2)
			close(fd);
		for (int n = 0; n < EPOLLS; n++)
			close(epolls[n]);
		if (i % 2 == 0)
			close(fd);
	}
}

int main(void)
{
	check_start();
	RUN(signals_heard);
	RUN(signals_heard_outside);
	RUN(signals_heard_by_threads);
	RUN(event_before_signal);
	RUN(timer_heard);
	RUN(terminal_heard);
	RUN(many_epolls);
	RUN(many_pollers);
	RUN(closed_while_waking);
	return check_end();
}
