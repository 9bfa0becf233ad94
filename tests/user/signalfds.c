/* SPDX-License-Identifier: MIT
 *
 * signalfd: what is read of a signal, signals of the process and of threads, poll, the mask,
 * errors.
 */
#include <poll.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/time.h>

#include "check.h"

static sigset_t set_of_two(int a, int b)
{
	sigset_t set = set_of(a);

	sigaddset(&set, b);
	return set;
}

/* A file for the signals, which are blocked. */
static int open_for(int a, int b, int flags)
{
	sigset_t set = set_of_two(a, b);

	MUST(sigprocmask(SIG_BLOCK, &set, NULL));
	return (int)MUST(signalfd(-1, &set, flags));
}

static struct signalfd_siginfo get(int fd)
{
	struct signalfd_siginfo s[2] = {0};

	CHECK_EQ(read(fd, s, sizeof(*s)), sizeof(*s));
	return s[0];
}

static bool empty(int fd)
{
	struct signalfd_siginfo s;
	struct pollfd f = {fd, POLLIN, 0};

	CHECK_EQ(poll(&f, 1, 0), 0);
	return read(fd, &s, sizeof(s)) < 0 && errno == EAGAIN;
}

static bool ready(int fd)
{
	struct pollfd f = {fd, POLLIN | POLLOUT, 0};

	return poll(&f, 1, 0) == 1 && f.revents == POLLIN;
}

static void fields(void)
{
	int fd = open_for(SIGUSR1, SIGRTMIN + 1, SFD_NONBLOCK);
	struct signalfd_siginfo s;
	union sigval value = {.sival_ptr = (void *)0x123456789a};
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL,
				 .sigev_signo = SIGUSR1,
				 .sigev_value.sival_ptr = (void *)0xabcdef0123};
	struct itimerspec soon = {.it_value = {0, 1}};
	timer_t timer;

	CHECK(empty(fd));
	kill(getpid(), SIGUSR1);
	CHECK(ready(fd));
	s = get(fd);
	CHECK_EQ(s.ssi_signo, SIGUSR1);
	CHECK_EQ(s.ssi_code, SI_USER);
	CHECK_EQ(s.ssi_errno, 0);
	CHECK_EQ(s.ssi_pid, getpid());
	CHECK_EQ(s.ssi_uid, getuid());
	CHECK_EQ(s.ssi_ptr, 0);
	CHECK(empty(fd));
	raise(SIGUSR1);
	s = get(fd);
	CHECK_EQ(s.ssi_code, SI_TKILL);
	CHECK_EQ(s.ssi_pid, getpid());
	sigqueue(getpid(), SIGRTMIN + 1, value);
	value.sival_ptr = (void *)-7L;
	sigqueue(getpid(), SIGRTMIN + 1, value);
	s = get(fd);
	CHECK_EQ(s.ssi_signo, SIGRTMIN + 1);
	CHECK_EQ(s.ssi_code, SI_QUEUE);
	CHECK_EQ(s.ssi_ptr, 0x123456789a);
	CHECK_EQ(s.ssi_int, 0x3456789a);
	CHECK_EQ(s.ssi_pid, getpid());
	s = get(fd);
	CHECK_EQ(s.ssi_int, -7);
	CHECK(empty(fd));
	MUST(timer_create(CLOCK_MONOTONIC, &event, &timer));
	MUST(timer_settime(timer, 0, &soon, NULL));
	WAIT_UNTIL(ready(fd));
	s = get(fd);
	CHECK_EQ(s.ssi_code, SI_TIMER);
	CHECK_EQ(s.ssi_ptr, 0xabcdef0123);
	CHECK_EQ(s.ssi_int, (int)0xcdef0123);
	CHECK_EQ(s.ssi_overrun, 0);
	CHECK_EQ(s.ssi_pid, 0);
	timer_delete(timer);
	close(fd);
	/* A child. */
	fd = open_for(SIGCHLD, SIGCHLD, 0);
	pid_t child = SPAWN(_exit(7));
	s = get(fd);
	CHECK_EQ(s.ssi_signo, SIGCHLD);
	CHECK_EQ(s.ssi_code, CLD_EXITED);
	CHECK_EQ(s.ssi_pid, child);
	CHECK_EQ(s.ssi_status, 7);
	CHECK_EQ(s.ssi_uid, getuid());
	CHECK_EQ(s.ssi_int, 0);
	CHECK_EQ(wait_status(child), EXITED(7));
	close(fd);
	mask(SIG_UNBLOCK, SIGCHLD);
}

static void several(void)
{
	int fd = open_for(SIGUSR1, SIGUSR2, SFD_NONBLOCK | SFD_CLOEXEC);
	struct signalfd_siginfo s[4];

	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_RDWR | O_NONBLOCK);
	raise(SIGUSR2);
	kill(getpid(), SIGUSR1);
	kill(getpid(), SIGUSR1);
	CHECK_EQ(read(fd, s, sizeof(s)), 2 * sizeof(*s));
	/* Those of the thread first. */
	CHECK_EQ(s[0].ssi_signo, SIGUSR2);
	CHECK_EQ(s[1].ssi_signo, SIGUSR1);
	raise(SIGUSR2);
	raise(SIGUSR1);
	CHECK_EQ(read(fd, s, 2 * sizeof(*s) - 1), sizeof(*s));
	CHECK_EQ(s[0].ssi_signo, SIGUSR1);
	CHECK_EQ(get(fd).ssi_signo, SIGUSR2);
	/* What was read is not pending any more. */
	sigset_t now;
	sigpending(&now);
	CHECK_EQ(sigismember(&now, SIGUSR1), 0);
	close(fd);
}

static void masks(void)
{
	int fd = open_for(SIGUSR1, SIGUSR1, SFD_NONBLOCK);
	sigset_t set = set_of(SIGUSR2), all;

	mask(SIG_BLOCK, SIGUSR2);
	raise(SIGUSR2);
	CHECK(empty(fd));
	CHECK_EQ(signalfd(fd, &set, 0), fd);
	CHECK(ready(fd));
	raise(SIGUSR1);
	CHECK_EQ(get(fd).ssi_signo, SIGUSR2);
	CHECK(empty(fd));
	/* SIGKILL and SIGSTOP are left out silently. */
	sigfillset(&all);
	CHECK_EQ(signalfd(fd, &all, 0), fd);
	CHECK_EQ(get(fd).ssi_signo, SIGUSR1);
	/* A signal that is not blocked goes to its handler. */
	handle(SIGUSR1, catch, 0);
	caught[SIGUSR1] = 0;
	mask(SIG_UNBLOCK, SIGUSR1);
	raise(SIGUSR1);
	CHECK_EQ(caught[SIGUSR1], 1);
	CHECK(empty(fd));
	close(fd);
}

static void errors(void)
{
	int fd = open_for(SIGUSR1, SIGUSR1, SFD_NONBLOCK), p[2];
	struct signalfd_siginfo s;
	sigset_t set = set_of(SIGUSR1);

	MUST(pipe(p));
	CHECK_ERR(signalfd(-1, &set, 1), EINVAL);
	CHECK_ERR(signalfd(-1, BAD, 0), EFAULT);
	CHECK_ERR(syscall(SYS_signalfd4, -1, &set, 4, 0), EINVAL);
	CHECK_ERR(syscall(SYS_signalfd4, -1, BAD, 4, 0), EINVAL);
	CHECK_ERR(signalfd(999, &set, 0), EBADF);
	CHECK_ERR(signalfd(p[0], &set, 0), EINVAL);
	CHECK_ERR(signalfd(-2, &set, 0), EBADF);
	CHECK_ERR(read(fd, &s, sizeof(s) - 1), EINVAL);
	CHECK_ERR(write(fd, &s, sizeof(s)), EINVAL);
	CHECK_ERR(read(fd, &s, sizeof(s)), EAGAIN);
	raise(SIGUSR1);
	CHECK_ERR(read(fd, BAD, sizeof(s)), EFAULT);
	CHECK(empty(fd));
	if (has_proc())
		CHECK_EQ(strcmp(fd_target(fd), "anon_inode:[signalfd]"), 0);
	close(fd);
	close(p[0]);
	close(p[1]);
}

/* --- Waiting ---------------------------------------------------------------------------------- */

static void waiting(void)
{
	int fd = open_for(SIGUSR1, SIGUSR2, 0), e = MUST(epoll_create1(0));
	struct epoll_event in = {.events = EPOLLIN | EPOLLET}, got;
	struct pollfd f = {fd, POLLIN, 0};
	struct signalfd_siginfo s;
	pid_t parent = getpid(), child;

	child = SPAWN(WAIT_UNTIL(is_asleep(parent)); kill(parent, SIGUSR1));
	s = get(fd);
	CHECK_EQ(s.ssi_signo, SIGUSR1);
	CHECK_EQ(s.ssi_pid, child);
	CHECK_EQ(wait_status(child), 0);
	child = SPAWN(WAIT_UNTIL(is_asleep(parent)); kill(parent, SIGUSR2));
	CHECK_EQ(poll(&f, 1, 20000), 1);
	CHECK_EQ(get(fd).ssi_signo, SIGUSR2);
	CHECK_EQ(wait_status(child), 0);
	/* epoll: an edge for each signal. */
	MUST(epoll_ctl(e, EPOLL_CTL_ADD, fd, &in));
	CHECK_EQ(epoll_wait(e, &got, 1, 0), 0);
	raise(SIGUSR1);
	CHECK_EQ(epoll_wait(e, &got, 1, 0), 1);
	CHECK_EQ(epoll_wait(e, &got, 1, 0), 0);
	kill(parent, SIGUSR2);
	CHECK_EQ(epoll_wait(e, &got, 1, 0), 1);
	CHECK_EQ(get(fd).ssi_signo, SIGUSR1);
	CHECK_EQ(get(fd).ssi_signo, SIGUSR2);
	child = SPAWN(WAIT_UNTIL(is_asleep(parent)); kill(parent, SIGUSR2));
	CHECK_EQ(epoll_wait(e, &got, 1, 20000), 1);
	CHECK_EQ(get(fd).ssi_signo, SIGUSR2);
	CHECK_EQ(wait_status(child), 0);
	/* Another signal ends the wait. */
	mask(SIG_UNBLOCK, SIGALRM);
	handle(SIGALRM, catch, 0);
	child = SPAWN(WAIT_UNTIL(is_asleep(parent)); kill(parent, SIGALRM));
	CHECK_ERR(read(fd, &s, sizeof(s)), EINTR);
	CHECK_EQ(wait_status(child), 0);
	handle(SIGALRM, catch, SA_RESTART);
	child = SPAWN(WAIT_UNTIL(is_asleep(parent)); kill(parent, SIGALRM); sleep_ms(10);
		      kill(parent, SIGUSR1));
	CHECK_EQ(get(fd).ssi_signo, SIGUSR1);
	CHECK_EQ(caught[SIGALRM], 2);
	CHECK_EQ(wait_status(child), 0);
	close(fd);
	close(e);
}

/* The child reads its own signals from the file that it inherited, and its end leaves an epoll that
 * both have as it was. */
static void inherited(void)
{
	int fd = open_for(SIGUSR1, SIGUSR2, SFD_NONBLOCK), e = MUST(epoll_create1(0));
	struct epoll_event in = {.events = EPOLLIN}, got;
	pid_t child;

	raise(SIGUSR1);
	child = SPAWN(CHECK(empty(fd)); raise(SIGUSR2); CHECK_EQ(get(fd).ssi_signo, SIGUSR2);
		      int copy = MUST(dup(fd)); MUST(epoll_ctl(e, EPOLL_CTL_ADD, copy, &in)));
	CHECK_EQ(wait_status(child), 0);
	CHECK_EQ(get(fd).ssi_signo, SIGUSR1);
	MUST(epoll_ctl(e, EPOLL_CTL_ADD, fd, &in));
	CHECK_EQ(epoll_wait(e, &got, 1, 0), 0);
	raise(SIGUSR1);
	CHECK_EQ(epoll_wait(e, &got, 1, 0), 1);
	CHECK_EQ(get(fd).ssi_signo, SIGUSR1);
	close(fd);
	close(e);
}

/* --- Threads ---------------------------------------------------------------------------------- */

static struct {
	int fd, fd2;
	atomic_int begun, taken, last;
} t;

static void *reader(void *arg)
{
	(void)arg;
	t.begun++;
	t.last = (int)get(t.fd).ssi_signo;
	t.taken++;
	return NULL;
}

static void threads(void)
{
	pthread_t thread[3];

	t.fd = open_for(SIGUSR1, SIGUSR2, 0);
	mask(SIG_BLOCK, SIGALRM); /* in all threads */
	/* A signal of a thread is for that thread alone. */
	MUST(-pthread_create(&thread[0], NULL, reader, NULL));
	WAIT_UNTIL(t.begun == 1);
	sleep_ms(10);
	raise(SIGUSR1);
	sleep_ms(30);
	CHECK_EQ(t.taken, 0);
	MUST(-pthread_kill(thread[0], SIGUSR2));
	pthread_join(thread[0], NULL);
	CHECK_EQ(t.last, SIGUSR2);
	CHECK_EQ(get(t.fd).ssi_signo, SIGUSR1);
	/* Two signals of the process for three threads: two go on. */
	t.begun = t.taken = 0;
	for (int i = 0; i < 3; i++)
		MUST(-pthread_create(&thread[i], NULL, reader, NULL));
	WAIT_UNTIL(t.begun == 3);
	sleep_ms(30);
	kill(getpid(), SIGUSR1);
	kill(getpid(), SIGUSR2);
	WAIT_UNTIL(t.taken == 2);
	sleep_ms(20);
	CHECK_EQ(t.taken, 2);
	/* A new mask is for those that wait, too. */
	sigset_t set = set_of(SIGALRM);
	kill(getpid(), SIGALRM);
	CHECK_EQ(signalfd(t.fd, &set, 0), t.fd);
	for (int i = 0; i < 3; i++)
		pthread_join(thread[i], NULL);
	CHECK_EQ(t.last, SIGALRM);
	close(t.fd);
}

/* The same for sigwait(). */
static void *sigwaiter(void *arg)
{
	sigset_t set = set_of_two(SIGUSR1, SIGUSR2);
	siginfo_t info;

	(void)arg;
	t.begun++;
	if (sigwaitinfo(&set, &info) > 0)
		t.taken++;
	return NULL;
}

static void sigwaiters(void)
{
	pthread_t thread[2];

	for (int round = 0; round < 20; round++) {
		t.begun = t.taken = 0;
		for (int i = 0; i < 2; i++)
			MUST(-pthread_create(&thread[i], NULL, sigwaiter, NULL));
		WAIT_UNTIL(t.begun == 2);
		sleep_ms(round % 3);
		kill(getpid(), SIGUSR1);
		kill(getpid(), SIGUSR2);
		for (int i = 0; i < 2; i++)
			pthread_join(thread[i], NULL);
		CHECK_EQ(t.taken, 2);
	}
}

/* All real-time signals come, whoever takes them. */
static atomic_bool stop;

static void *take_all(void *arg)
{
	struct pollfd f = {t.fd2, POLLIN, 0};
	struct signalfd_siginfo s;

	(void)arg;
	while (!stop)
		if (poll(&f, 1, 5) == 1 && read(t.fd2, &s, sizeof(s)) == sizeof(s))
			t.taken++;
	return NULL;
}

static void none_lost(void)
{
	pthread_t thread[3];
	pid_t parent = getpid(), child;

	t.taken = 0;
	stop = false;
	t.fd2 = open_for(SIGRTMIN + 2, SIGRTMIN + 2, SFD_NONBLOCK);
	for (int i = 0; i < 3; i++)
		MUST(-pthread_create(&thread[i], NULL, take_all, NULL));
	child = SPAWN(for (int i = 0; i < 500; i++) while (
	    sigqueue(parent, SIGRTMIN + 2, (union sigval){.sival_int = i}) < 0) sleep_ms(1));
	CHECK_EQ(wait_status(child), 0);
	WAIT_UNTIL(t.taken == 500);
	stop = true;
	for (int i = 0; i < 3; i++)
		pthread_join(thread[i], NULL);
	close(t.fd2);
}

/* A signal that the kernel sends with interrupts off reaches all that poll, also if it comes while
 * those are being woken for the signal before. */
#define POLLERS 60

static void *poll_for_last(void *arg)
{
	struct pollfd f[2] = {{t.fd, POLLIN, 0}, {t.fd2, POLLIN, 0}};

	(void)arg;
	while (poll(f, 2, 60000) > 0 && !(f[1].revents & POLLIN))
		sched_yield();
	CHECK(f[1].revents & POLLIN);
	t.taken++;
	return NULL;
}

static void many_pollers(void)
{
	pthread_t threads[POLLERS];
	struct itimerval soon = {.it_value = {.tv_usec = 50}};
	sigset_t set = set_of(SIGALRM);

	MUST(sigprocmask(SIG_BLOCK, &set, NULL));
	if (getpgrp() != getpid())
		MUST(setpgid(0, 0));
	for (int round = 0; round < 20; round++) {
		t.taken = 0;
		t.fd = open_for(SIGUSR1, SIGUSR1, SFD_NONBLOCK);
		t.fd2 = open_for(SIGUSR2, SIGALRM, SFD_NONBLOCK);
		for (int i = 0; i < POLLERS; i++)
			MUST(-pthread_create(&threads[i], NULL, poll_for_last, NULL));
		sleep_ms(round % 4);
		for (int i = 0; i < 20; i++) {
			CHECK_EQ(kill(0, SIGUSR1), 0);
			get(t.fd);
		}
		if (round % 2)
			CHECK_EQ(kill(0, SIGUSR2), 0);
		else
			CHECK_EQ(setitimer(ITIMER_REAL, &soon, NULL), 0);
		WAIT_UNTIL(t.taken == POLLERS);
		for (int i = 0; i < POLLERS; i++)
			pthread_join(threads[i], NULL);
		get(t.fd2);
		close(t.fd);
		close(t.fd2);
	}
}

int main(void)
{
	check_start();
	RUN(fields);
	RUN(several);
	RUN(masks);
	RUN(errors);
	RUN(waiting);
	RUN(inherited);
	RUN(threads);
	RUN(sigwaiters);
	RUN(none_lost);
	RUN(many_pollers);
	return check_end();
}
