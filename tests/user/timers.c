/* SPDX-License-Identifier: MIT
 *
 * Clocks, sleeps, interval timers, POSIX timers.
 */
#include <sys/time.h>

#include "check.h"

#define YEAR_2100 4102444800 /* in seconds since 1970 */

static long elapsed_since(const struct timespec *t, clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (now.tv_sec - t->tv_sec) * 1000000000 + now.tv_nsec - t->tv_nsec;
}

static void clocks(void)
{
	struct timespec a, b, resolution;
	struct timeval tv;

	static const clockid_t all[] = {CLOCK_REALTIME,		  CLOCK_MONOTONIC,
					CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID,
					CLOCK_MONOTONIC_RAW,	  CLOCK_REALTIME_COARSE,
					CLOCK_MONOTONIC_COARSE,	  CLOCK_BOOTTIME};
	for (size_t i = 0; i < COUNT_OF(all); i++) {
		CHECK_EQ(clock_gettime(all[i], &a), 0);
		CHECK(a.tv_nsec >= 0 && a.tv_nsec < 1000000000);
		CHECK(elapsed_since(&a, all[i]) >= 0);
		CHECK_EQ(clock_getres(all[i], &resolution), 0);
		CHECK(resolution.tv_sec == 0 && resolution.tv_nsec > 0 &&
		      resolution.tv_nsec <= 10000000);
	}
	/* Never backwards. */
	clock_gettime(CLOCK_MONOTONIC, &a);
	for (int i = 0; i < 20000; i++) {
		clock_gettime(CLOCK_MONOTONIC, &b);
		if (!CHECK(b.tv_sec > a.tv_sec || (b.tv_sec == a.tv_sec && b.tv_nsec >= a.tv_nsec)))
			break;
		a = b;
	}
	CHECK_ERR(syscall(SYS_clock_gettime, 4711, &a), EINVAL);
	CHECK_ERR(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, BAD), EFAULT);
	time_t before = time(NULL);
	CHECK_EQ(gettimeofday(&tv, NULL), 0);
	CHECK(tv.tv_sec >= before && tv.tv_sec <= time(NULL) + 1);
	CHECK(time(NULL) > 1577836800); /* 2020 */
	CHECK_ERR(clock_settime(CLOCK_MONOTONIC, &a), EINVAL);
}

static void sleeps(void)
{
	struct timespec start, t = {0, 20000000}, bad = {0, 1000000000}, negative = {-1, 0};

	clock_gettime(CLOCK_MONOTONIC, &start);
	CHECK_EQ(nanosleep(&t, NULL), 0);
	CHECK(elapsed_since(&start, CLOCK_MONOTONIC) >= 20000000);
	CHECK_ERR(nanosleep(&bad, NULL), EINVAL);
	CHECK_ERR(nanosleep(&negative, NULL), EINVAL);
	CHECK_ERR(syscall(SYS_nanosleep, BAD, NULL), EFAULT);
	t = (struct timespec){0, 0};
	CHECK_EQ(nanosleep(&t, NULL), 0);
	/* Absolute; a time that has passed; errors. */
	clock_gettime(CLOCK_MONOTONIC, &start);
	t = start;
	t.tv_nsec += 20000000;
	if (t.tv_nsec >= 1000000000)
		t.tv_sec++, t.tv_nsec -= 1000000000;
	CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL), 0);
	CHECK(elapsed_since(&start, CLOCK_MONOTONIC) >= 20000000);
	CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &start, NULL), 0);
	clock_gettime(CLOCK_REALTIME, &start);
	t = start;
	t.tv_nsec += 20000000;
	if (t.tv_nsec >= 1000000000)
		t.tv_sec++, t.tv_nsec -= 1000000000;
	CHECK_EQ(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &t, NULL), 0);
	CHECK(elapsed_since(&start, CLOCK_REALTIME) >= 20000000);
	CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, 0, &bad, NULL), EINVAL);
	CHECK_EQ(clock_nanosleep(4711, 0, &start, NULL), EINVAL);
	CHECK_EQ(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &start, NULL), EINVAL);
	CHECK_ERR(syscall(SYS_clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, &start, NULL),
		  EOPNOTSUPP);
	CHECK_ERR(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC_RAW, 0, NULL, NULL), EOPNOTSUPP);
}

/* Many sleepers wake in the order of their times: whether they wrote in this order. */
static bool wake_in_order(void)
{
	int pipes[2];
	char text[8];
	long begin = now_ms();

	MUST(pipe(pipes));
	for (int i = 0; i < 5; i++)
		SPAWN(sleep_ms(begin + 800 - i * 150 - now_ms());
		      MUST(write(pipes[1], &"edcba"[i], 1)));
	for (int i = 0; i < 5; i++)
		wait(NULL);
	CHECK_EQ(read(pipes[0], text, 8), 5);
	close(pipes[0]), close(pipes[1]);
	return memcmp(text, "abcde", 5) == 0;
}

/* On a busy machine one that woke may have to wait for a CPU until the next one has written. */
static void order_of_sleepers(void)
{
	bool in_order = false;

	for (int i = 0; i < 5 && !in_order; i++)
		in_order = wake_in_order();
	CHECK(in_order);
}

static void alarms(void)
{
	sigset_t none = set_of(0);

	handle(SIGALRM, catch, 0);
	caught[SIGALRM] = 0;
	CHECK_EQ(alarm(10000), 0);
	CHECK(alarm(20000) >= 9900);
	CHECK(alarm(0) >= 19900);
	CHECK_EQ(alarm(0), 0);
	CHECK_EQ(IN_CHILD(CHECK_EQ(alarm(0), 0)), 0);
	mask(SIG_BLOCK, SIGALRM); /* it may come before the wait for it */
	CHECK_EQ(ualarm(20000, 0), 0);
	CHECK_ERR(sigsuspend(&none), EINTR);
	mask(SIG_UNBLOCK, SIGALRM);
	CHECK_EQ(caught[SIGALRM], 1);
	/* The default action. */
	CHECK_EQ(IN_CHILD(handle(SIGALRM, SIG_DFL, 0); ualarm(20000, 0); pause()), KILLED(SIGALRM));
	/* Not inherited by a child. */
	alarm(50);
	CHECK_EQ(IN_CHILD(CHECK_EQ(alarm(0), 0)), 0);
	alarm(0);
}

static void intervals(void)
{
	struct itimerval t = {{0, 5000}, {0, 10000}}, now, never = {{0, 0}, {0, 0}},
			 bad = {{0, 0}, {0, 1000000}};

	caught[SIGALRM] = 0;
	CHECK_EQ(setitimer(ITIMER_REAL, &t, NULL), 0);
	CHECK_EQ(getitimer(ITIMER_REAL, &now), 0);
	CHECK_EQ(now.it_interval.tv_usec, 5000);
	CHECK(now.it_value.tv_usec > 0 && now.it_value.tv_usec <= 10000);
	WAIT_UNTIL(caught[SIGALRM] >= 5);
	CHECK_EQ(setitimer(ITIMER_REAL, &never, &now), 0);
	CHECK_EQ(now.it_interval.tv_usec, 5000);
	CHECK_EQ(getitimer(ITIMER_REAL, &now), 0);
	CHECK_EQ(now.it_value.tv_usec, 0);
	CHECK_ERR(setitimer(77, &t, NULL), EINVAL);
	CHECK_ERR(setitimer(ITIMER_REAL, &bad, NULL), EINVAL);
	CHECK_ERR(syscall(SYS_setitimer, ITIMER_REAL, BAD, NULL), EFAULT);
	CHECK_ERR(getitimer(77, &t), EINVAL);
}

/* By CPU time used. */
/* Uses CPU time until the condition holds, 120 s at most. */
#define BURN_UNTIL(condition)                                                                      \
	({                                                                                         \
		long end_ = now_ms() + 120000;                                                     \
		while (!(condition) && now_ms() < end_)                                            \
			for (volatile int i_ = 0; i_ < 1000; i_++)                                 \
				;                                                                  \
		CHECK(condition);                                                                  \
	})

static void cpu_intervals(void)
{
	static const int kinds[][2] = {{ITIMER_VIRTUAL, SIGVTALRM}, {ITIMER_PROF, SIGPROF}};
	struct itimerval t, old;

	for (int i = 0; i < 2; i++) {
		int which = kinds[i][0], number = kinds[i][1];
		long start, seen;

		handle(number, catch, 0);
		t = (struct itimerval){{0, 0}, {0, 20000}};
		CHECK_EQ(setitimer(which, &t, NULL), 0);
		start = cpu_ns(CLOCK_PROCESS_CPUTIME_ID);
		BURN_UNTIL(caught[number]);
		CHECK(cpu_ns(CLOCK_PROCESS_CPUTIME_ID) - start >= 1000000); /* Linux samples */
		CHECK_EQ(caught[number], 1);
		CHECK_EQ(getitimer(which, &old), 0);
		CHECK_EQ(old.it_value.tv_sec + old.it_value.tv_usec, 0);
		/* It repeats, and does not run while the process sleeps. */
		t = (struct itimerval){{0, 20000}, {0, 20000}};
		CHECK_EQ(setitimer(which, &t, &old), 0);
		BURN_UNTIL(caught[number] >= 4);
		t.it_interval = (struct timeval){0, 0};
		t.it_value = (struct timeval){10000, 0};
		CHECK_EQ(setitimer(which, &t, &old), 0);
		CHECK_EQ(old.it_interval.tv_usec, 20000);
		sleep_ms(50);
		CHECK_EQ(getitimer(which, &old), 0);
		CHECK(old.it_value.tv_sec >= 9900 && old.it_value.tv_sec <= 10000);
		/* A child has none. */
		CHECK_EQ(
		    IN_CHILD(CHECK_EQ(getitimer(which, &old), 0); CHECK_EQ(old.it_value.tv_sec, 0)),
		    0);
		/* What it was late for while the process ran does not follow while it sleeps: for
		 * each further signal the clock has run for an interval. */
		t = (struct itimerval){{0, 500}, {0, 500}};
		CHECK_EQ(setitimer(which, &t, NULL), 0);
		start = cpu_ns(CLOCK_PROCESS_CPUTIME_ID);
		BURN_UNTIL(cpu_ns(CLOCK_PROCESS_CPUTIME_ID) - start >= 100000000);
		start = cpu_ns(CLOCK_PROCESS_CPUTIME_ID);
		seen = caught[number];
		sleep_ms(100);
		seen = caught[number] - seen;
		CHECK(seen <= (cpu_ns(CLOCK_PROCESS_CPUTIME_ID) - start) / 500000 + 4);
		t = (struct itimerval){0};
		CHECK_EQ(setitimer(which, &t, NULL), 0);
	}
	CHECK_ERR(setitimer(3, &t, NULL), EINVAL);
}

static void *burn(void *stop)
{
	while (!*(volatile int *)stop)
		;
	return NULL;
}

static bool alarm_is_in_time(void)
{
	struct itimerval t = {.it_value.tv_usec = 200000};
	volatile int stop = 0;
	pthread_t thread;
	long start, spent;

	caught[SIGPROF] = 0;
	start = cpu_ns(CLOCK_PROCESS_CPUTIME_ID);
	MUST(setitimer(ITIMER_PROF, &t, NULL));
	MUST(pthread_create(&thread, NULL, burn, (void *)&stop));
	BURN_UNTIL(caught[SIGPROF]);
	spent = cpu_ns(CLOCK_PROCESS_CPUTIME_ID) - start;
	stop = 1;
	pthread_join(thread, NULL);
	return spent < 300000000;
}

/* A thread that was made after the alarm was set makes the clock run faster.  Under load the signal
 * may come late all the same, but not always. */
static void cpu_alarms_of_more_threads(void)
{
	handle(SIGPROF, catch, 0);
	WAIT_UNTIL(alarm_is_in_time());
}

/* Sleeping on another thread's CPU time, and on the process's. */
static void cpu_sleeps(void)
{
	struct timespec t = {0, 10000000};
	volatile int stop = 0;
	pthread_t thread;
	clockid_t clock;
	long start;

	CHECK_EQ(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &t, NULL), EINVAL);
	MUST(pthread_create(&thread, NULL, burn, (void *)&stop));
	start = cpu_ns(CLOCK_PROCESS_CPUTIME_ID);
	CHECK_EQ(clock_nanosleep(CLOCK_PROCESS_CPUTIME_ID, 0, &t, NULL), 0);
	CHECK(cpu_ns(CLOCK_PROCESS_CPUTIME_ID) - start >= 10000000);
	CHECK_EQ(pthread_getcpuclockid(thread, &clock), 0);
	start = cpu_ns(clock);
	CHECK_EQ(clock_nanosleep(clock, 0, &t, NULL), 0);
	CHECK(cpu_ns(clock) - start >= 10000000);
	start = cpu_ns(clock) + 10000000;
	t = (struct timespec){start / 1000000000, start % 1000000000};
	CHECK_EQ(clock_nanosleep(clock, TIMER_ABSTIME, &t, NULL), 0);
	CHECK(cpu_ns(clock) >= start);
	stop = 1;
	pthread_join(thread, NULL);
	/* Interrupted: nobody uses CPU time. */
	handle(SIGALRM, catch, 0);
	struct itimerval alarm = {{0, 10000}, {0, 10000}};
	setitimer(ITIMER_REAL, &alarm, NULL);
	t = (struct timespec){10000, 0};
	struct timespec rest = {0, 0};
	CHECK_EQ(clock_nanosleep(CLOCK_PROCESS_CPUTIME_ID, 0, &t, &rest), EINTR);
	CHECK(rest.tv_sec >= 9900 && rest.tv_sec <= 10000);
	alarm = (struct itimerval){0};
	setitimer(ITIMER_REAL, &alarm, NULL);
}

/* A time that the clock never reaches.  The sleep ends with the process. */
static void endless_cpu_sleeps(void)
{
	static const time_t seconds[] = {LONG_MAX, 18446744072}; /* that is nearly 2^64 ns */

	for (int i = 0; i < 4; i++) {
		struct timespec t = {seconds[i / 2], 0};
		int flags = i % 2 ? TIMER_ABSTIME : 0, status = 0;
		pid_t pid = SPAWN(clock_nanosleep(CLOCK_PROCESS_CPUTIME_ID, flags, &t, NULL));

		WAIT_UNTIL(is_asleep(pid));
		kill(pid, SIGKILL);
		WAIT_UNTIL(waitpid(pid, &status, WNOHANG) == pid);
		CHECK_EQ(status, KILLED(SIGKILL));
	}
}

static siginfo_t last;
static int most_overrun; /* a later signal may come at once, with none */

static void note(int number, siginfo_t *info, void *context)
{
	(void)context;
	last = *info;
	if (info->si_overrun > most_overrun)
		most_overrun = info->si_overrun;
	caught[number]++;
}

static void posix_timers(void)
{
	struct sigevent event = {
	    .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 4711};
	struct itimerspec t = {{0, 0}, {1000, 0}}, now;
	timer_t timer, other;

	handle_info(SIGUSR1, note, 0);
	caught[SIGUSR1] = 0;
	CHECK_EQ(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
	CHECK_EQ(timer_gettime(timer, &now), 0);
	CHECK_EQ(now.it_value.tv_nsec, 0);
	CHECK_ERR(syscall(SYS_timer_settime, timer, 0, NULL, NULL), EINVAL);
	CHECK_EQ(timer_settime(timer, 0, &t, NULL), 0);
	CHECK_EQ(timer_gettime(timer, &now), 0);
	CHECK(now.it_value.tv_sec >= 900 && now.it_value.tv_sec <= 1000);
	t.it_value = (struct timespec){0, 20000000};
	CHECK_EQ(timer_settime(timer, 0, &t, NULL), 0);
	WAIT_UNTIL(caught[SIGUSR1] == 1);
	CHECK_EQ(last.si_code, SI_TIMER);
	CHECK_EQ(last.si_value.sival_int, 4711);
	/* Periodic and blocked: one signal, the rest is overrun. */
	mask(SIG_BLOCK, SIGUSR1);
	t = (struct itimerspec){{0, 5000000}, {0, 5000000}};
	CHECK_EQ(timer_settime(timer, 0, &t, NULL), 0);
	sleep_ms(60);
	mask(SIG_UNBLOCK, SIGUSR1);
	CHECK(most_overrun >= 8);
	CHECK(timer_getoverrun(timer) >= 0);
	memset(&t, 0, sizeof(t));
	CHECK_EQ(timer_settime(timer, 0, &t, &now), 0);
	CHECK_EQ(now.it_interval.tv_nsec, 5000000);
	/* One that is off has no interval either. */
	t.it_interval.tv_nsec = 5000000;
	CHECK_EQ(timer_settime(timer, 0, &t, NULL), 0);
	CHECK_EQ(timer_gettime(timer, &now), 0);
	CHECK_EQ(now.it_interval.tv_nsec, 0);
	t.it_interval.tv_nsec = 0;
	/* Absolute, in the past: at once. */
	caught[SIGUSR1] = 0;
	t.it_value.tv_nsec = 1;
	CHECK_EQ(timer_settime(timer, TIMER_ABSTIME, &t, NULL), 0);
	WAIT_UNTIL(caught[SIGUSR1] == 1);
	/* Silent; errors; gone. */
	event.sigev_notify = SIGEV_NONE;
	CHECK_EQ(timer_create(CLOCK_REALTIME, &event, &other), 0);
	CHECK(other != timer);
	CHECK_EQ(timer_delete(other), 0);
	CHECK_ERR(syscall(SYS_timer_delete, 4711), EINVAL);
	CHECK_ERR(syscall(SYS_timer_settime, 4711, 0, &t, NULL), EINVAL);
	t.it_value.tv_nsec = -1;
	CHECK_ERR(timer_settime(timer, 0, &t, NULL), EINVAL);
	event.sigev_notify = 77;
	CHECK_ERR(timer_create(CLOCK_MONOTONIC, &event, &other), EINVAL);
	CHECK_ERR(timer_create(4711, NULL, &other), EINVAL);
	CHECK_EQ(timer_delete(timer), 0);
	CHECK_ERR(syscall(SYS_timer_delete, timer), EINVAL);
	/* Without an event SIGALRM; not inherited. */
	handle(SIGALRM, catch, 0);
	caught[SIGALRM] = 0;
	CHECK_EQ(timer_create(CLOCK_MONOTONIC, NULL, &timer), 0);
	t.it_value.tv_nsec = 1000000;
	CHECK_EQ(timer_settime(timer, 0, &t, NULL), 0);
	WAIT_UNTIL(caught[SIGALRM] == 1);
	CHECK_EQ(IN_CHILD(CHECK_ERR(timer_gettime(timer, &now), EINVAL)), 0);
	CHECK_EQ(timer_delete(timer), 0);
}

/* A time of CLOCK_REALTIME that is far ahead. */
static void far_ahead(void)
{
	struct sigevent event = {.sigev_notify = SIGEV_NONE};
	struct itimerspec t = {.it_value.tv_sec = YEAR_2100};
	struct timespec now;
	timer_t timer;

	CHECK_EQ(timer_create(CLOCK_REALTIME, &event, &timer), 0);
	CHECK_EQ(timer_settime(timer, TIMER_ABSTIME, &t, NULL), 0);
	CHECK_EQ(clock_gettime(CLOCK_REALTIME, &now), 0);
	CHECK_EQ(timer_gettime(timer, &t), 0);
	CHECK(labs(YEAR_2100 - now.tv_sec - t.it_value.tv_sec) < 1000);
	CHECK_EQ(timer_delete(timer), 0);
}

/* POSIX timers that count CPU time: of the process, and of one thread. */
static timer_t many[3000];

static int create_many(int n)
{
	struct sigevent none = {.sigev_notify = SIGEV_NONE};
	int made = 0;

	while (made < n && !timer_create(CLOCK_MONOTONIC, &none, &many[made]))
		made++;
	return made;
}

/* Each is found by its number, and they are as many as signals may be queued. */
static void many_timers(void)
{
	struct rlimit few = {50, 50};
	struct itimerspec value = {.it_value.tv_sec = 1000}, now;
	struct sigevent none = {.sigev_notify = SIGEV_NONE};
	int n = create_many(3000);

	CHECK_EQ(n, 3000);
	for (int i = 0; i < n; i++) {
		value.it_value.tv_sec = 1000 + 10 * i;
		CHECK_EQ(timer_settime(many[i], 0, &value, NULL), 0);
	}
	for (int i = 0; i < n; i += 3)
		CHECK_EQ(timer_delete(many[i]), 0);
	for (int i = 0; i < n; i++)
		if (i % 3 == 0) {
			CHECK_ERR(timer_gettime(many[i], &now), EINVAL);
		} else {
			CHECK_EQ(timer_gettime(many[i], &now), 0);
			CHECK(now.it_value.tv_sec <= 1000 + 10 * i &&
			      now.it_value.tv_sec >= 900 + 10 * i);
			CHECK_EQ(timer_delete(many[i]), 0);
		}
	SKIP_IF(!has_call(SYS_prlimit64), "no limits");
	CHECK_EQ(IN_CHILD(MUST(setrlimit(RLIMIT_SIGPENDING, &few)); n = create_many(100);
			  CHECK(n > 0 && n <= 50); CHECK_EQ(errno, EAGAIN);
			  CHECK_EQ(timer_delete(many[0]), 0);
			  CHECK_EQ(timer_create(CLOCK_MONOTONIC, &none, &many[0]), 0);
			  CHECK_ERR(timer_create(CLOCK_MONOTONIC, &none, &many[50]), EAGAIN)),
		 0);
}

static void cpu_timers(void)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2};
	struct itimerspec t = {{0, 0}, {0, 20000000}}, now;
	volatile int stop = 0;
	pthread_t thread;
	clockid_t clock;
	timer_t timer;
	long start;

	handle_info(SIGUSR2, note, 0);
	static const clockid_t own[] = {CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID};
	for (int i = 0; i < 2; i++) {
		caught[SIGUSR2] = 0;
		CHECK_EQ(timer_create(own[i], &event, &timer), 0);
		CHECK_EQ(timer_gettime(timer, &now), 0);
		CHECK_EQ(now.it_value.tv_nsec, 0);
		now.it_value.tv_sec = 1000;
		CHECK_EQ(timer_settime(timer, 0, &now, NULL), 0);
		CHECK_EQ(timer_gettime(timer, &now), 0);
		CHECK(now.it_value.tv_sec >= 900 && now.it_value.tv_sec <= 1000);
		start = cpu_ns(own[i]);
		CHECK_EQ(timer_settime(timer, 0, &t, NULL), 0);
		BURN_UNTIL(caught[SIGUSR2]);
		CHECK(cpu_ns(own[i]) - start >= 20000000);
		CHECK_EQ(last.si_code, SI_TIMER);
		/* An absolute time, with an interval. */
		caught[SIGUSR2] = 0;
		start = cpu_ns(own[i]) + 10000000;
		now = (struct itimerspec){{0, 10000000}, {start / 1000000000, start % 1000000000}};
		CHECK_EQ(timer_settime(timer, TIMER_ABSTIME, &now, NULL), 0);
		BURN_UNTIL(caught[SIGUSR2] >= 3);
		CHECK_EQ(timer_delete(timer), 0);
	}
	/* Of another thread: the signal comes while this one sleeps. */
	MUST(pthread_create(&thread, NULL, burn, (void *)&stop));
	CHECK_EQ(pthread_getcpuclockid(thread, &clock), 0);
	caught[SIGUSR2] = 0;
	CHECK_EQ(timer_create(clock, &event, &timer), 0);
	CHECK_EQ(timer_settime(timer, 0, &t, NULL), 0);
	WAIT_UNTIL(caught[SIGUSR2]);
	CHECK_EQ(timer_settime(timer, 0, &t, NULL), 0);
	stop = 1;
	pthread_join(thread, NULL);
	CHECK_EQ(timer_delete(timer), 0);
	/* No such process. */
	CHECK_ERR(timer_create((clockid_t)(~4000000U << 3 | 2), &event, &timer), EINVAL);
}

static void set_clock_by(long seconds)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_sec += seconds;
	MUST(clock_settime(CLOCK_REALTIME, &t));
}

/* Times to which no clock can be set, in a child that may set none (Linux before 5.1 took them). */
static void set_too_far(void)
{
	static const time_t seconds[] = {8277292036, 18446744072, LONG_MAX};

	for (size_t i = 0; i < COUNT_OF(seconds); i++) {
		struct timespec t = {seconds[i], 999999999};

		CHECK_EQ(IN_CHILD((void)!setuid(65534);
				  CHECK_ERR(clock_settime(CLOCK_REALTIME, &t), EINVAL)),
			 0);
	}
	CHECK(time(NULL) < YEAR_2100);
}

/* What waits for a time of CLOCK_REALTIME follows the clock when it is set. */
static void clock_is_set(void)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2};
	struct timespec until, start;
	struct itimerspec t = {0};
	timer_t timer, relative;
	pid_t child;

	if (!may_set_clock())
		return;
	handle_info(SIGUSR2, note, 0);
	caught[SIGUSR2] = 0;
	clock_gettime(CLOCK_MONOTONIC, &start);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 60;
	child = SPAWN(CHECK_EQ(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, NULL), 0));
	WAIT_UNTIL(is_asleep(child));
	CHECK_EQ(timer_create(CLOCK_REALTIME, &event, &timer), 0);
	CHECK_EQ(timer_create(CLOCK_REALTIME, &event, &relative), 0);
	t.it_value.tv_sec = 60;
	CHECK_EQ(timer_settime(relative, 0, &t, NULL), 0);
	t.it_value = until;
	CHECK_EQ(timer_settime(timer, TIMER_ABSTIME, &t, NULL), 0);
	set_clock_by(61);
	CHECK_EQ(wait_status(child), 0);
	WAIT_UNTIL(caught[SIGUSR2]);
	CHECK_EQ(last.si_code, SI_TIMER);
	set_clock_by(-61);
	CHECK(elapsed_since(&start, CLOCK_MONOTONIC) < 59000000000);
	/* A time that has passed. */
	until.tv_sec -= 120;
	CHECK_EQ(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, NULL), 0);
	CHECK_EQ(timer_gettime(relative, &t), 0);
	CHECK(t.it_value.tv_sec > 0 && t.it_value.tv_sec <= 60);
	CHECK_EQ(caught[SIGUSR2], 1);
	timer_delete(timer);
	timer_delete(relative);
}

int main(void)
{
	check_start();
	RUN(clocks);
	RUN(sleeps);
	RUN(order_of_sleepers);
	RUN(alarms);
	RUN(intervals);
	RUN(cpu_intervals);
	RUN(cpu_alarms_of_more_threads);
	RUN(cpu_sleeps);
	RUN(endless_cpu_sleeps);
	RUN(posix_timers);
	RUN(far_ahead);
	RUN(many_timers);
	RUN(cpu_timers);
	RUN(set_too_far);
	RUN(clock_is_set);
	return check_end();
}
