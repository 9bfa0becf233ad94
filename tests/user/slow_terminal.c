/* SPDX-License-Identifier: MIT
 *
 * What a terminal does to its writers while nobody takes what they write: they sleep, and signals
 * end that.  Whoever reads the other end stops at "=== stop" for some seconds, and goes on
 * (tests/system/test_serial.py).
 */
#include <poll.h>
#include <sys/time.h>
#include <termios.h>

#include "check.h"

#define MANY 4000000L /* bytes: more than the terminal and all that is behind it hold */

static char lines[MANY];
static long written;

static long put(void)
{
	long n = write(1, lines + written % 64, MANY - 64);

	if (n > 0)
		written += n;
	return n;
}

static void ring(int sig)
{
	caught[sig]++;
}

static long cpu_ms(void)
{
	struct rusage use;

	MUST(getrusage(RUSAGE_SELF, &use));
	return (use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1000 +
	       (use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1000;
}

/* Until nothing more goes out.  What did is counted. */
static void fill(void)
{
	struct itimerval bell = {{0, 0}, {1, 0}};
	long n;

	handle(SIGALRM, ring, 0);
	do {
		MUST(setitimer(ITIMER_REAL, &bell, NULL));
		n = put();
	} while (n > 0);
	CHECK_EQ(n, -1);
	CHECK_EQ(errno, EINTR);
}

static void sleeps(void)
{
	struct itimerval bell = {{0, 0}, {1, 0}};
	long before = cpu_ms(), start = now_ms();

	MUST(setitimer(ITIMER_REAL, &bell, NULL));
	CHECK_ERR(put(), EINTR);
	CHECK(now_ms() - start >= 900);
	CHECK(cpu_ms() - before < 200);
}

static void does_not_block(void)
{
	struct pollfd p = {.fd = 1, .events = POLLOUT};
	int flags = MUST(fcntl(1, F_GETFL));
	long start = now_ms();

	CHECK_EQ(poll(&p, 1, 0), 0);
	MUST(fcntl(1, F_SETFL, flags | O_NONBLOCK));
	CHECK_ERR(put(), EAGAIN);
	MUST(fcntl(1, F_SETFL, flags));
	CHECK(now_ms() - start < 3000); /* the reader is away for 10 s */
}

/* Also those that wait for another writer's turn. */
static void can_be_killed(void)
{
	pid_t first = SPAWN(put()), second = SPAWN(put());
	long start = now_ms();

	sleep_ms(100);
	MUST(kill(second, SIGTERM));
	CHECK_EQ(wait_status(second), KILLED(SIGTERM));
	MUST(kill(first, SIGTERM));
	CHECK_EQ(wait_status(first), KILLED(SIGTERM));
	CHECK(now_ms() - start < 4000);
}

/* What is queued now is left for the end of the machine. */
static void leave(void)
{
	struct pollfd p = {.fd = 1, .events = POLLOUT};

	MUST(fcntl(1, F_SETFL, MUST(fcntl(1, F_GETFL)) | O_NONBLOCK));
	while (poll(&p, 1, 200) > 0)
		MUST(put());
}

int main(int argc, char **argv)
{
	struct termios t;

	if (tcgetattr(1, &t) == 0) {
		t.c_oflag &= ~OPOST; /* so that bytes written are bytes seen */
		MUST(tcsetattr(1, TCSADRAIN, &t));
	}
	for (long i = 0; i < MANY; i++)
		lines[i] = i % 64 == 63 ? '\n' : '0' + i % 64;
	dprintf(1, "=== stop\n");
	sleep_ms(500);
	if (argc > 1 && !strcmp(argv[1], "leave")) {
		leave();
		return check_end();
	}
	fill();
	sleeps();
	does_not_block();
	can_be_killed();
	/* The reader goes on. */
	CHECK(tcdrain(1) == 0 || errno == ENOTTY); /* the console without a terminal */
	dprintf(1, "=== written %ld\n%s\n", written, check_failures ? "not ok" : "ok");
	return check_end();
}
