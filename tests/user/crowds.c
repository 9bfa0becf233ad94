/* SPDX-License-Identifier: MIT
 *
 * Calls that concern thousands of threads, children, pages, descriptors, timers (crowds.h).
 */
#include "crowds.h"

/* --- Threads ---------------------------------------------------------------------------------- */

static void threads_exit(void)
{
	start_threads(wait_for_ever);
	_exit(check_failures != 0);
}

static void threads_broadcast(void)
{
	start_threads(wait_for_ever);
	for (int i = 0; i < 3; i++) {
		pthread_cond_broadcast(&begun);
		usleep(1000);
	}
}

static void threads_exec(void)
{
	start_threads(wait_for_ever);
	execl("/proc/self/exe", "crowds", "nothing", (char *)NULL);
	CHECK(0);
}

static void on_signal(int signal)
{
	(void)signal;
}

/* Signals that no thread, or only the last thread, can take. */
static void threads_signals(void)
{
	sigset_t set = set_of(SIGUSR1);

	signal(SIGUSR1, on_signal);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	start_threads(wait_for_ever);
	for (int i = 0; i < 3; i++) {
		kill(getpid(), SIGUSR1);
		pthread_sigmask(SIG_UNBLOCK, &set, NULL);
		pthread_sigmask(SIG_BLOCK, &set, NULL);
		signal(SIGUSR1, SIG_IGN);
		kill(getpid(), SIGUSR1);
		signal(SIGUSR1, on_signal);
	}
}

static void threads_stop(void)
{
	int status, ready[2];
	pid_t pid;

	MUST(pipe(ready));
	pid = fork();
	if (pid == 0) {
		start_threads(wait_for_ever);
		CHECK_EQ(write(ready[1], "", 1), 1);
		for (;;)
			pause();
	}
	CHECK_EQ(read(ready[0], &status, 1), 1);
	for (int i = 0; i < 2; i++) {
		kill(pid, SIGSTOP);
		CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
		kill(pid, SIGCONT);
		CHECK_EQ(waitpid(pid, &status, WCONTINUED), pid);
	}
	kill(pid, SIGKILL);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
}

static struct timespec until;

static void *sleep_long(void *unused)
{
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		;
	return unused;
}

/* All timers expire in the same nanosecond. */
static void threads_sleep(void)
{
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec++;
	start_threads(sleep_long);
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
	usleep(10000);
}

static void threads_shown(void)
{
	struct rusage use;

	start_threads(wait_for_ever);
	read_file("/proc/self/status");
	read_file("/proc/self/stat");
	CHECK(list("/proc/self/task") >= many);
	CHECK_EQ(getrusage(RUSAGE_SELF, &use), 0);
	CHECK(cpu_ns(CLOCK_PROCESS_CPUTIME_ID) > 0);
	CHECK_EQ(setpriority(PRIO_PROCESS, 0, 1), 0);
	CHECK_EQ(prctl(PR_SET_DUMPABLE, 1), 0);
}

/* --- Children --------------------------------------------------------------------------------- */

/* The children go to main(), which asks for that as init does not have to. */
static void children_living(void)
{
	start_children(true);
}

static void children_dead(void)
{
	start_children(false);
	usleep(1000);
}

/* The children's children go to us, and we end while they live. */
static void children_adopted(void)
{
	pid_t pid;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	pid = fork();
	if (pid == 0) {
		start_children(true);
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
}

static void children_waited(void)
{
	siginfo_t info;
	int status;

	start_children(true);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(waitpid(-1, &status, WNOHANG), 0);
		CHECK_EQ(waitpid(-1, &status, WNOHANG | WUNTRACED), 0);
		CHECK_ERR(waitpid(-getpid() - 1, &status, WNOHANG), ECHILD);
		CHECK_ERR(waitid(P_PGID, 1, &info, WEXITED | WNOHANG), ECHILD);
	}
	CHECK_EQ(getpgid(0), getpid());
	signal(SIGUSR1, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	CHECK_EQ(kill(0, SIGUSR1), 0);
	CHECK_EQ(kill(-1, 0), 0);
	CHECK_EQ(setpriority(PRIO_PGRP, 0, 1), 0);
	CHECK(getpriority(PRIO_USER, 0) <= 1);
	CHECK(list("/proc") > many);
	CHECK_EQ(kill(0, SIGSTOP), 0);
}

/* kill(0) of a group of thousands; each child moves to another group and back. */
static void children_groups(void)
{
	pid_t group = getpid();

	for (int i = 0; i < many; i++) {
		pid_t pid = fork();

		if (pid == 0)
			for (;;)
				pause();
		if (!CHECK(pid > 0))
			break;
		CHECK_EQ(setpgid(pid, pid), 0);
		CHECK_EQ(setpgid(pid, group), 0);
	}
	signal(SIGTERM, SIG_IGN);
	CHECK_EQ(kill(0, SIGTERM), 0);
	while (waitpid(-1, NULL, 0) > 0)
		;
}

/* --- Memory ----------------------------------------------------------------------------------- */

#define LARGE (128UL << 20)

static char *large_memory(void)
{
	char *m = mmap(NULL, LARGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (!CHECK(m != MAP_FAILED))
		exit(1);
	for (size_t at = 0; at < LARGE; at += PAGE)
		m[at] = 1;
	return m;
}

static void memory_unmapped(void)
{
	char *m = large_memory();

	CHECK_EQ(mprotect(m, LARGE, PROT_READ), 0);
	CHECK_EQ(mprotect(m, LARGE, PROT_READ | PROT_WRITE), 0);
	CHECK_EQ(madvise(m, LARGE / 2, MADV_DONTNEED), 0);
	CHECK(mremap(m, LARGE, LARGE / 4, 0) == m);
	CHECK_EQ(munmap(m, LARGE / 4), 0);
}

static void memory_forked(void)
{
	char *m = large_memory();
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	m[0] = 2;
	read_file("/proc/self/smaps");
}

static void memory_regions(void)
{
	char *m = mmap(NULL, 2 * 10000 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	for (int i = 0; i < 10000; i++)
		CHECK_EQ(mprotect(m + 2 * i * PAGE, PAGE, PROT_READ | PROT_WRITE), 0);
	pid = fork();
	if (pid == 0)
		_exit(0);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	read_file("/proc/self/maps");
	CHECK_EQ(munmap(m, 2 * 10000 * PAGE), 0);
}

static void memory_file(void)
{
	int fd = open("/tmp/crowds", O_CREAT | O_RDWR | O_TRUNC, 0600);
	char *m, page[PAGE];

	memset(page, 1, sizeof(page));
	for (size_t at = 0; at < LARGE / 4; at += PAGE)
		CHECK_EQ(write(fd, page, PAGE), PAGE);
	m = mmap(NULL, LARGE / 4, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	for (size_t at = 0; at < LARGE / 4; at += PAGE)
		m[at] = 2;
	CHECK_EQ(msync(m, LARGE / 4, MS_SYNC), 0);
	CHECK_EQ(ftruncate(fd, LARGE / 8), 0);
	CHECK_EQ(unlink("/tmp/crowds"), 0);
	CHECK_EQ(munmap(m, LARGE / 4), 0);
	close(fd);
}

/* --- Descriptors ------------------------------------------------------------------------------ */

static struct pollfd polled[4096];

static void open_many(int fd, int from)
{
	struct rlimit most = {4096, 4096};

	MUST(setrlimit(RLIMIT_NOFILE, &most));
	for (int i = from; i < 4096; i++)
		CHECK_EQ(dup2(fd, i), i);
}

static void descriptors_closed(void)
{
	pid_t pid;

	open_many(0, 100);
	pid = fork();
	if (pid == 0)
		_exit(0);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	CHECK(list("/proc/self/fd") > 3000);
	CHECK_EQ(syscall(SYS_close_range, 100, 3000, 0), 0);
}

/* fork() copies the table; the child closes all. */
static void descriptors_forked(void)
{
	struct rlimit most = {4 * (rlim_t)many + 3, 4 * (rlim_t)many + 3};
	pid_t pid;

	MUST(setrlimit(RLIMIT_NOFILE, &most));
	for (int i = 3; i < 4 * many; i++)
		CHECK_EQ(dup2(0, i), i);
	pid = fork();
	if (pid == 0)
		_exit(0);
	CHECK_EQ(wait_status(pid), EXITED(0));
}

static void descriptors_polled(void)
{
	struct epoll_event event = {.events = EPOLLIN}, some[64];
	int ends[2], fd, fd2;
	char c;

	MUST(pipe(ends));
	open_many(ends[0], 100);
	fd = epoll_create(1);
	fd2 = epoll_create(1);
	for (int i = 0; i < 4096 - 100; i++) {
		polled[i] = (struct pollfd){.fd = 100 + i, .events = POLLIN};
		CHECK_EQ(epoll_ctl(fd, EPOLL_CTL_ADD, 100 + i, &event), 0);
		CHECK_EQ(epoll_ctl(fd2, EPOLL_CTL_ADD, 100 + i, &event), 0);
	}
	CHECK_EQ(poll(polled, 4096 - 100, 1), 0);
	CHECK_EQ(write(ends[1], "x", 1), 1);
	CHECK_EQ(poll(polled, 4096 - 100, 1), 4096 - 100);
	CHECK_EQ(epoll_wait(fd, some, 64, 0), 64);
	/* Bytes are left: the next reader that sleeps would be behind all that poll. */
	CHECK_EQ(write(ends[1], "y", 1), 1);
	CHECK_EQ(read(ends[0], &c, 1), 1);
}

static void descriptors_locked(void)
{
	int fd = open("/tmp/crowds", O_CREAT | O_RDWR, 0600);
	struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};

	open_many(0, 100);
	for (int i = 0; i < many; i++) {
		l.l_start = 2 * i;
		CHECK_EQ(fcntl(fd, F_SETLK, &l), 0);
	}
	read_file("/proc/locks");
	unlink("/tmp/crowds");
}

/* --- Timers, pipes ---------------------------------------------------------------------------- */

static void timers(void)
{
	struct itimerspec when = {.it_value.tv_nsec = 50000000};
	struct sigevent event = {.sigev_notify = SIGEV_NONE};
	timer_t t;

	allow_queued(2 * (rlim_t)many);
	for (int i = 0; i < many; i++) {
		MUST(timer_create(CLOCK_MONOTONIC, &event, &t));
		CHECK_EQ(timer_settime(t, 0, &when, NULL), 0);
	}
	CHECK_EQ(timer_gettime(t, &when), 0);
	usleep(100000);
}

static int pipe_ends[2];

static void *read_pipe(void *unused)
{
	char c;

	(void)!read(pipe_ends[0], &c, 1);
	return unused;
}

static void pipe_ended(void)
{
	MUST(pipe(pipe_ends));
	start_threads(read_pipe);
	usleep(1000);
	close(pipe_ends[1]);
	usleep(1000);
}

static void nothing(void)
{
}

static const struct crowd crowds[] = {
    {"nothing", nothing},
    {"threads_sleep", threads_sleep},
    {"threads_exit", threads_exit},
    {"threads_broadcast", threads_broadcast},
    {"threads_exec", threads_exec},
    {"threads_signals", threads_signals},
    {"threads_stop", threads_stop},
    {"threads_shown", threads_shown},
    {"children_living", children_living},
    {"children_dead", children_dead},
    {"children_adopted", children_adopted},
    {"children_waited", children_waited},
    {"children_groups", children_groups},
    {"memory_unmapped", memory_unmapped},
    {"memory_forked", memory_forked},
    {"memory_regions", memory_regions},
    {"memory_file", memory_file},
    {"descriptors_closed", descriptors_closed},
    {"descriptors_forked", descriptors_forked},
    {"descriptors_polled", descriptors_polled},
    {"descriptors_locked", descriptors_locked},
    {"timers", timers},
    {"pipe_ended", pipe_ended},
};

int main(int argc, char **argv)
{
	return run_crowds(argc, argv, crowds, COUNT_OF(crowds));
}
