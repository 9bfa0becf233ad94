/* SPDX-License-Identifier: MIT
 *
 * Thousands that poll what is woken with interrupts off: by a timer, by a signal of the kernel, by
 * the wake-up of another file, by a terminal (crowds.h).
 */
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <termios.h>

#include "crowds.h"

#define TIMERS 16 /* that expire together */
#define EPOLLS 32 /* that watch one file */

static int begun_waiting, ended;
static int fds[EPOLLS], fd_count;
static short wanted;

static void count(int *n)
{
	__atomic_fetch_add(n, 1, __ATOMIC_RELAXED);
}

/* Start threads in `fn`, and let them come to where they wait. */
static void start_waiting(void *(*fn)(void *))
{
	ended = begun_waiting = 0;
	start_threads(fn);
	WAIT_UNTIL(__atomic_load_n(&begun_waiting, __ATOMIC_RELAXED) >= many);
	usleep(20000);
}

static void end_waiting(void)
{
	WAIT_UNTIL(__atomic_load_n(&ended, __ATOMIC_RELAXED) >= many);
}

static void *poll_one(void *number)
{
	struct pollfd p = {.fd = fds[(long)number % fd_count], .events = wanted};

	count(&begun_waiting);
	CHECK_EQ(poll(&p, 1, -1), 1);
	CHECK(p.revents & wanted);
	count(&ended);
	return NULL;
}

static void start_polling(int fd, short events)
{
	fds[0] = fd;
	fd_count = 1;
	wanted = events;
	start_waiting(poll_one);
}

/* --- Timers ----------------------------------------------------------------------------------- */

static void expire(int fd, const struct timespec *at)
{
	struct itimerspec s = {.it_value = *at};

	CHECK_EQ(timerfd_settime(fd, TFD_TIMER_ABSTIME, &s, NULL), 0);
}

static struct timespec soon(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec++;
	return t;
}

static void timer_polled(void)
{
	struct timespec at;

	fds[0] = MUST(timerfd_create(CLOCK_MONOTONIC, 0));
	start_polling(fds[0], POLLIN);
	at = soon();
	expire(fds[0], &at);
	end_waiting();
}

/* They expire in the same nanosecond, each has its share of the pollers. */
static void timers_polled(void)
{
	struct timespec at;

	for (fd_count = 0; fd_count < TIMERS; fd_count++)
		fds[fd_count] = MUST(timerfd_create(CLOCK_MONOTONIC, 0));
	wanted = POLLIN;
	start_waiting(poll_one);
	at = soon();
	for (int i = 0; i < TIMERS; i++)
		expire(fds[i], &at);
	end_waiting();
}

/* By as many epolls. */
static void timer_watched(void)
{
	struct epoll_event e = {.events = EPOLLIN};
	int *epolls = calloc((size_t)many, sizeof(*epolls));
	struct timespec at;

	may_open((rlim_t)many + 10);
	fds[0] = MUST(timerfd_create(CLOCK_MONOTONIC, 0));
	for (int i = 0; i < many; i++) {
		epolls[i] = MUST(epoll_create1(0));
		CHECK_EQ(epoll_ctl(epolls[i], EPOLL_CTL_ADD, fds[0], &e), 0);
	}
	at = soon();
	expire(fds[0], &at);
	for (int i = 0; i < many; i++)
		CHECK_EQ(epoll_wait(epolls[i], &e, 1, -1), 1);
}

/* --- Signals ---------------------------------------------------------------------------------- */

static void start_polling_signal(int signal)
{
	sigset_t set = set_of(signal);

	sigprocmask(SIG_BLOCK, &set, NULL);
	start_polling(MUST(signalfd(-1, &set, SFD_NONBLOCK)), POLLIN);
}

static void signal_of_timer(void)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct itimerspec s = {.it_value = {.tv_nsec = 1000000}};
	timer_t timer;

	start_polling_signal(SIGUSR1);
	CHECK_EQ(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
	CHECK_EQ(timer_settime(timer, 0, &s, NULL), 0);
	end_waiting();
}

static void signal_of_alarm(void)
{
	struct itimerval s = {.it_value = {.tv_usec = 1000}};

	start_polling_signal(SIGALRM);
	CHECK_EQ(setitimer(ITIMER_REAL, &s, NULL), 0);
	end_waiting();
}

static void signal_to_group(void)
{
	start_polling_signal(SIGUSR1);
	CHECK_EQ(kill(0, SIGUSR1), 0);
	end_waiting();
}

static void signal_of_child(void)
{
	pid_t pid;

	start_polling_signal(SIGCHLD);
	pid = fork();
	if (pid == 0)
		_exit(0);
	end_waiting();
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
}

/* --- Epolls ----------------------------------------------------------------------------------- */

/* An epoll is woken under the lock of the file that it watches. */
static void epoll_polled(void)
{
	struct epoll_event e = {.events = EPOLLIN};
	int fd = MUST(eventfd(0, 0)), epoll = MUST(epoll_create1(0));

	CHECK_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e), 0);
	start_polling(epoll, POLLIN);
	CHECK_EQ(eventfd_write(fd, 1), 0);
	end_waiting();
}

/* Many epolls watch one file, and each has its share of the pollers. */
static void epolls_polled(void)
{
	struct epoll_event e = {.events = EPOLLIN};
	int fd = MUST(eventfd(0, 0));

	for (fd_count = 0; fd_count < EPOLLS; fd_count++) {
		fds[fd_count] = MUST(epoll_create1(0));
		CHECK_EQ(epoll_ctl(fds[fd_count], EPOLL_CTL_ADD, fd, &e), 0);
	}
	wanted = POLLIN;
	start_waiting(poll_one);
	CHECK_EQ(eventfd_write(fd, 1), 0);
	end_waiting();
}

/* --- Terminals -------------------------------------------------------------------------------- */

static int master, slave;

static void open_terminal(void)
{
	master = MUST(posix_openpt(O_RDWR | O_NOCTTY));
	CHECK_EQ(grantpt(master), 0);
	CHECK_EQ(unlockpt(master), 0);
	slave = MUST(open(ptsname(master), O_RDWR | O_NOCTTY));
}

static void typed(const char *text)
{
	CHECK_EQ(write(master, text, strlen(text)), (long)strlen(text));
}

static void terminal_input_polled(void)
{
	open_terminal();
	start_polling(slave, POLLIN);
	typed("ab\n");
	end_waiting();
}

static void *poll_for_ever(void *unused)
{
	struct pollfd p = {.fd = slave, .events = POLLPRI};

	count(&begun_waiting);
	poll(&p, 1, -1);
	return unused;
}

/* What one read() leaves is for the next, past thousands that poll. */
static void terminal_input_left(void)
{
	char line[4];

	open_terminal();
	start_waiting(poll_for_ever);
	typed("ab\n");
	CHECK_EQ(read(slave, line, 2), 2);
	CHECK_EQ(read(slave, line, 2), 1);
}

static void terminal_echo_polled(void)
{
	open_terminal();
	start_polling(master, POLLIN);
	typed("a");
	end_waiting();
}

static void terminal_room_polled(void)
{
	open_terminal();
	CHECK_EQ(tcflow(slave, TCOOFF), 0);
	start_polling(slave, POLLOUT);
	CHECK_EQ(tcflow(slave, TCOON), 0);
	end_waiting();
}

static void terminal_settings_polled(void)
{
	struct termios t;

	open_terminal();
	CHECK_EQ(tcgetattr(slave, &t), 0);
	typed("ab");
	start_polling(slave, POLLIN);
	t.c_lflag &= (tcflag_t)~ICANON;
	CHECK_EQ(tcsetattr(slave, TCSANOW, &t), 0);
	end_waiting();
}

static void nothing(void)
{
}

static const struct crowd crowds[] = {
    {"nothing", nothing},
    {"timer_polled", timer_polled},
    {"timers_polled", timers_polled},
    {"timer_watched", timer_watched},
    {"signal_of_timer", signal_of_timer},
    {"signal_of_alarm", signal_of_alarm},
    {"signal_to_group", signal_to_group},
    {"signal_of_child", signal_of_child},
    {"epoll_polled", epoll_polled},
    {"epolls_polled", epolls_polled},
    {"terminal_input_polled", terminal_input_polled},
    {"terminal_input_left", terminal_input_left},
    {"terminal_echo_polled", terminal_echo_polled},
    {"terminal_room_polled", terminal_room_polled},
    {"terminal_settings_polled", terminal_settings_polled},
};

int main(int argc, char **argv)
{
	return run_crowds(argc, argv, crowds, COUNT_OF(crowds));
}
