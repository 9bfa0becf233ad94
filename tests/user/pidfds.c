/* SPDX-License-Identifier: MIT
 *
 * Descriptors that name a process: how they are made, waited for, signalled, and what they give.
 */
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>

#include "check.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

static int pidfd_open(pid_t pid, unsigned flags)
{
	return (int)syscall(SYS_pidfd_open, pid, flags);
}

static int pidfd_send_signal(int fd, int number, siginfo_t *info, unsigned flags)
{
	return (int)syscall(SYS_pidfd_send_signal, fd, number, info, flags);
}

static int pidfd_getfd(int fd, int number, unsigned flags)
{
	return (int)syscall(SYS_pidfd_getfd, fd, number, flags);
}

/* The bits that poll() reports within `ms`. */
static int bits_of(int fd, int ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, ms) < 0 ? -1 : p.revents;
}

static void opening(void)
{
	pid_t child = SPAWN(pause());
	int fd = pidfd_open(child, 0);
	char c;

	CHECK(fd >= 0);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_ERR(read(fd, &c, 1), EINVAL);
	CHECK_ERR(write(fd, &c, 1), EINVAL);
	CHECK_ERR(pidfd_open(0, 0), EINVAL);
	CHECK_ERR(pidfd_open(-1, 0), EINVAL);
	CHECK_ERR(pidfd_open(child, 1), EINVAL);
	CHECK_EQ(bits_of(fd, 0), 0);
	kill(child, SIGKILL);
	CHECK_EQ(bits_of(fd, 20000), POLLIN);
	/* A zombie can still be opened; a process that is reaped cannot. */
	close(pidfd_open(child, 0));
	CHECK_EQ(wait_status(child), KILLED(SIGKILL));
	CHECK_ERR(pidfd_open(child, 0), ESRCH);
	CHECK_EQ(bits_of(fd, 0) & POLLIN, POLLIN);
	close(fd);
	fd = pidfd_open(getpid(), O_NONBLOCK);
	CHECK_EQ(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	close(fd);
}

static void *sleep_in_thread(void *tid)
{
	*(volatile pid_t *)tid = (pid_t)syscall(SYS_gettid);
	while (tid)
		pause();
	return NULL;
}

static void of_threads(void)
{
	volatile pid_t tid = 0;
	pthread_t t;

	CHECK_EQ(IN_CHILD(pthread_create(&t, NULL, sleep_in_thread, (void *)&tid);
			  WAIT_UNTIL(tid != 0); CHECK_EQ(pidfd_open(tid, 0), -1);
			  CHECK(errno == EINVAL || errno == ENOENT)),
		 0);
}

static void signalling(void)
{
	int zero = open("/dev/null", O_RDONLY), own = pidfd_open(getpid(), 0), fd;
	siginfo_t info = {.si_signo = SIGUSR1, .si_code = SI_QUEUE};
	pid_t child;

	handle(SIGUSR1, catch, 0);
	caught[SIGUSR1] = 0;
	CHECK_EQ(pidfd_send_signal(own, SIGUSR1, NULL, 0), 0);
	CHECK_EQ(caught[SIGUSR1], 1);
	CHECK_EQ(pidfd_send_signal(own, SIGUSR1, &info, 0), 0);
	CHECK_EQ(caught[SIGUSR1], 2);
	CHECK_EQ(pidfd_send_signal(own, 0, NULL, 0), 0);
	CHECK_ERR(pidfd_send_signal(own, SIGUSR2, &info, 0), EINVAL);
	CHECK_ERR(pidfd_send_signal(own, SIGUSR1, BAD, 0), EFAULT);
	CHECK_ERR(pidfd_send_signal(own, 100, NULL, 0), EINVAL);
	CHECK_ERR(pidfd_send_signal(own, SIGUSR1, NULL, 0x100), EINVAL);
	CHECK_ERR(pidfd_send_signal(zero, SIGUSR1, NULL, 0), EBADF);
	CHECK_ERR(pidfd_send_signal(1000, SIGUSR1, NULL, 0), EBADF);
	if (has_proc()) {
		fd = open("/proc/self", O_RDONLY | O_DIRECTORY);
		CHECK_EQ(pidfd_send_signal(fd, 0, NULL, 0), 0);
		CHECK_EQ(pidfd_send_signal(fd, SIGUSR1, NULL, 0), 0);
		CHECK_EQ(caught[SIGUSR1], 3);
		caught[SIGUSR1] = 2;
		close(fd);
		fd = open("/proc/self/task", O_RDONLY | O_DIRECTORY);
		CHECK_ERR(pidfd_send_signal(fd, 0, NULL, 0), EBADF);
		close(fd);
	}
	child = SPAWN(pause());
	fd = pidfd_open(child, 0);
	info.si_code = SI_USER;
	CHECK_ERR(pidfd_send_signal(fd, SIGUSR1, &info, 0), EPERM);
	CHECK_EQ(pidfd_send_signal(fd, SIGTERM, NULL, 0), 0);
	CHECK_EQ(bits_of(fd, 20000), POLLIN);
	CHECK_EQ(pidfd_send_signal(fd, SIGTERM, NULL, 0), 0); /* to a zombie */
	CHECK_EQ(wait_status(child), KILLED(SIGTERM));
	CHECK_ERR(pidfd_send_signal(fd, SIGTERM, NULL, 0), ESRCH);
	CHECK_ERR(pidfd_send_signal(fd, 0, NULL, 0), ESRCH);
	CHECK_EQ(caught[SIGUSR1], 2);
	close(zero);
	close(own);
	close(fd);
	handle(SIGUSR1, SIG_DFL, 0);
}

static void waiting(void)
{
	siginfo_t info = {0};
	int fd, plain = open("/dev/null", O_RDONLY);
	pid_t child = SPAWN(pause());

	fd = pidfd_open(child, 0);
	CHECK_ERR(waitid(P_PIDFD, (id_t)plain, &info, WEXITED), EBADF);
	CHECK_ERR(waitid(P_PIDFD, 1000, &info, WEXITED), EBADF);
	CHECK_ERR(waitid(P_PIDFD, (id_t)-1, &info, WEXITED), EINVAL);
	CHECK_EQ(waitid(P_PIDFD, (id_t)fd, &info, WEXITED | WNOHANG), 0);
	CHECK_EQ(info.si_pid, 0);
	/* A non-blocking descriptor does not wait, and says so. */
	MUST(fcntl(fd, F_SETFL, O_NONBLOCK));
	CHECK_ERR(waitid(P_PIDFD, (id_t)fd, &info, WEXITED), EAGAIN);
	MUST(fcntl(fd, F_SETFL, 0));
	kill(child, SIGKILL);
	CHECK_EQ(waitid(P_PIDFD, (id_t)fd, &info, WEXITED | WNOWAIT), 0);
	CHECK_EQ(info.si_pid, child);
	CHECK_EQ(info.si_code, CLD_KILLED);
	CHECK_EQ(waitid(P_PIDFD, (id_t)fd, &info, WEXITED), 0);
	CHECK_ERR(waitid(P_PIDFD, (id_t)fd, &info, WEXITED), ECHILD);
	close(fd);
	fd = pidfd_open(getppid(), 0);
	if (fd >= 0) {
		CHECK_ERR(waitid(P_PIDFD, (id_t)fd, &info, WEXITED), ECHILD);
		close(fd);
	}
	close(plain);
}

static void polling(void)
{
	struct epoll_event event = {.events = EPOLLIN}, got;
	int ends[2], set = epoll_create1(0), fd;
	pid_t child;
	char c;

	MUST(pipe(ends));
	child = SPAWN(close(ends[1]); CHECK_EQ(read(ends[0], &c, 1), 0); _exit(3));
	fd = pidfd_open(child, 0);
	if (set >= 0) {
		MUST(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event));
		CHECK_EQ(epoll_wait(set, &got, 1, 0), 0);
	}
	close(ends[1]);
	if (set >= 0)
		CHECK_EQ(epoll_wait(set, &got, 1, 20000), 1);
	CHECK_EQ(bits_of(fd, 20000), POLLIN);
	CHECK_EQ(wait_status(child), EXITED(3));
	close(ends[0]);
	close(fd);
	close(set);
	/* Not as long as one thread lives, although the leader has ended. */
	volatile int *leader = map_shared(PAGE);
	pthread_t t;
	pid_t tid;

	*leader = 1;
	child = SPAWN(syscall(SYS_set_tid_address, leader);
		      pthread_create(&t, NULL, sleep_in_thread, &tid); syscall(SYS_exit, 5));
	fd = pidfd_open(child, 0);
	WAIT_UNTIL(!*leader);
	CHECK_EQ(bits_of(fd, 30), 0);
	CHECK_EQ(pidfd_send_signal(fd, SIGKILL, NULL, 0), 0);
	CHECK_EQ(bits_of(fd, 20000), POLLIN);
	CHECK_EQ(wait_status(child), KILLED(SIGKILL));
	close(fd);
	munmap((void *)leader, PAGE);
}

static void taking_files(void)
{
	int ends[2], fd, taken, number, own = pidfd_open(getpid(), 0);
	char c = 0;
	pid_t child;

	MUST(pipe(ends));
	number = ends[1];
	child = SPAWN(close(ends[0]); pause());
	close(ends[1]);
	fd = pidfd_open(child, 0);
	CHECK_ERR(pidfd_getfd(fd, number, 1), EINVAL);
	CHECK_ERR(pidfd_getfd(fd, 1000, 0), EBADF);
	CHECK_ERR(pidfd_getfd(ends[0], number, 0), EBADF);
	CHECK_ERR(pidfd_getfd(1000, number, 0), EBADF);
	taken = pidfd_getfd(fd, number, 0);
	CHECK(taken >= 0);
	CHECK_EQ(fcntl(taken, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(write(taken, "x", 1), 1);
	CHECK_EQ(read(ends[0], &c, 1), 1);
	CHECK_EQ(c, 'x');
	close(taken);
	taken = pidfd_getfd(own, ends[0], 0);
	CHECK(taken >= 0 && taken != ends[0]);
	close(taken);
	kill(child, SIGKILL);
	CHECK_EQ(bits_of(fd, 20000), POLLIN);
	CHECK_ERR(pidfd_getfd(fd, number, 0), ESRCH);
	CHECK_EQ(wait_status(child), KILLED(SIGKILL));
	CHECK_ERR(pidfd_getfd(fd, number, 0), ESRCH);
	close(ends[0]);
	close(fd);
	close(own);
}

/* --- Made by clone() --------------------------------------------------------------------------- */

static pid_t clone_with(unsigned long flags, void *word)
{
	return (pid_t)syscall(SYS_clone, flags, 0, word, 0, 0);
}

static void by_clone(void)
{
	uint64_t args[11] = {0};
	siginfo_t info = {0};
	int fd = -1, before = dup(0);
	pid_t child;

	close(before);
	child = clone_with(CLONE_PIDFD | SIGCHLD, &fd);
	if (child == 0) /* it has no such descriptor itself */
		_exit(fcntl(before, F_GETFD) == -1 ? 4 : 5);
	CHECK(child > 0);
	CHECK_EQ(fd, before);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(bits_of(fd, 20000), POLLIN);
	CHECK_EQ(waitid(P_PIDFD, (id_t)fd, &info, WEXITED), 0);
	CHECK_EQ(info.si_pid, child);
	CHECK_EQ(info.si_status, 4);
	close(fd);
	/* With shared descriptors it has. */
	child = clone_with(CLONE_PIDFD | CLONE_FILES | SIGCHLD, &fd);
	if (child == 0)
		_exit(fcntl(before, F_GETFD) == FD_CLOEXEC ? 4 : 5);
	CHECK_EQ(wait_status(child), EXITED(4));
	close(fd);
	args[0] = CLONE_PIDFD;
	args[1] = (uintptr_t)&fd;
	args[4] = SIGCHLD;
	fd = -1;
	child = (pid_t)syscall(SYS_clone3, args, 64);
	if (child == 0)
		_exit(6);
	CHECK(child > 0 && fd >= 0);
	CHECK_EQ(wait_status(child), EXITED(6));
	close(fd);
	/* Errors leave neither a child nor a descriptor. */
	CHECK_ERR(clone_with(CLONE_PIDFD | SIGCHLD, BAD), EFAULT);
	CHECK_ERR(clone_with(CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, &fd), EINVAL);
	CHECK_ERR(waitpid(-1, NULL, 0), ECHILD);
	fd = dup(0);
	CHECK_EQ(fd, before);
	close(fd);
	struct rlimit limit, low = {3, 3};
	getrlimit(RLIMIT_NOFILE, &limit);
	low.rlim_max = limit.rlim_max;
	low.rlim_cur = before;
	MUST(setrlimit(RLIMIT_NOFILE, &low));
	CHECK_ERR(clone_with(CLONE_PIDFD | SIGCHLD, &fd), EMFILE);
	MUST(setrlimit(RLIMIT_NOFILE, &limit));
	CHECK_ERR(waitpid(-1, NULL, 0), ECHILD);
}

/* Many that end while others look. */
static void many(void)
{
	enum { COUNT = 30 };
	int fds[COUNT];

	for (int round = 0; round < 5; round++) {
		struct pollfd set[COUNT];
		int left = COUNT;

		for (int i = 0; i < COUNT; i++) {
			pid_t child = clone_with(CLONE_PIDFD | SIGCHLD, &fds[i]);

			if (child == 0)
				_exit(i);
			set[i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
		}
		while (left) {
			if (!CHECK(poll(set, COUNT, 20000) > 0))
				break;
			for (int i = 0; i < COUNT; i++) {
				siginfo_t info;

				if (set[i].fd < 0 || !set[i].revents)
					continue;
				CHECK_EQ(waitid(P_PIDFD, (id_t)fds[i], &info, WEXITED), 0);
				CHECK_EQ(info.si_status, i);
				close(fds[i]);
				set[i].fd = -1;
				left--;
			}
		}
	}
}

int main(void)
{
	check_start();
	RUN(opening);
	RUN(of_threads);
	RUN(signalling);
	RUN(waiting);
	RUN(polling);
	RUN(taking_files);
	RUN(by_clone);
	RUN(many);
	return check_end();
}
