/* SPDX-License-Identifier: MIT
 *
 * Process groups, sessions, stopping and continuing.
 */
#include <dirent.h>
#include <sys/prctl.h>

#include "check.h"

static siginfo_t told;
static volatile sig_atomic_t told_count;

static void tell(int number, siginfo_t *info, void *context)
{
	(void)number, (void)context;
	told = *info;
	told_count++;
}

static void stopping(void)
{
	siginfo_t info;
	int status;
	pid_t a;

	handle_info(SIGCHLD, tell, SA_RESTART);
	/* In a group of its own: an orphaned one would not stop at the terminal's signals. */
	a = SPAWN(for (;;) pause());
	MUST(setpgid(a, a));
	for (int round = 0; round < 2; round++) {
		int number = round ? SIGTSTP : SIGSTOP;

		told_count = 0;
		kill(a, number);
		CHECK_EQ(waitpid(a, &status, WUNTRACED), a);
		CHECK(WIFSTOPPED(status));
		CHECK_EQ(WSTOPSIG(status), number);
		CHECK_STATE(a, 'T');
		WAIT_UNTIL(told_count == 1);
		CHECK_EQ(told.si_code, CLD_STOPPED);
		CHECK_EQ(told.si_status, number);
		CHECK_EQ(told.si_pid, a);
		/* Reported once. */
		CHECK_EQ(waitpid(a, &status, WUNTRACED | WNOHANG), 0);
		CHECK_EQ(waitpid(a, &status, WCONTINUED | WNOHANG), 0);
		kill(a, SIGCONT);
		CHECK_EQ(waitpid(a, &status, WCONTINUED), a);
		CHECK(WIFCONTINUED(status));
		WAIT_UNTIL(told_count == 2);
		CHECK_EQ(told.si_code, CLD_CONTINUED);
		CHECK_EQ(waitpid(a, &status, WCONTINUED | WNOHANG), 0);
	}
	/* waitid() can look without taking. */
	kill(a, SIGSTOP);
	CHECK_EQ(waitid(P_PID, a, &info, WSTOPPED | WNOWAIT), 0);
	CHECK_EQ(info.si_code, CLD_STOPPED);
	CHECK_EQ(info.si_status, SIGSTOP);
	CHECK_EQ(waitid(P_PID, a, &info, WSTOPPED), 0);
	/* A stopped process waits with its signals, except for SIGKILL. */
	kill(a, SIGTERM);
	sleep_ms(20);
	CHECK_STATE(a, 'T');
	kill(a, SIGCONT);
	CHECK_EQ(wait_status(a), KILLED(SIGTERM));
	a = SPAWN(raise(SIGSTOP));
	CHECK_EQ(waitpid(a, &status, WUNTRACED), a);
	kill(a, SIGKILL);
	CHECK_EQ(wait_status(a), KILLED(SIGKILL));
	/* Without the stops, the handler is not called for them. */
	handle_info(SIGCHLD, tell, SA_RESTART | SA_NOCLDSTOP);
	told_count = 0;
	a = SPAWN(for (;;) pause());
	kill(a, SIGSTOP);
	CHECK_EQ(waitpid(a, &status, WUNTRACED), a);
	kill(a, SIGCONT);
	CHECK_EQ(waitpid(a, &status, WCONTINUED), a);
	CHECK_EQ(told_count, 0);
	kill(a, SIGKILL);
	CHECK_EQ(wait_status(a), KILLED(SIGKILL));
	WAIT_UNTIL(told_count == 1);
	handle(SIGCHLD, SIG_DFL, 0);
}

static void handled_stops(void)
{
	sigset_t set;
	int status;
	pid_t a;

	/* SIGTSTP can be caught; SIGCONT's handler runs after continuing. */
	a = SPAWN(handle(SIGTSTP, catch, 0); handle(SIGCONT, catch, 0); raise(SIGTSTP);
		  CHECK_EQ(caught[SIGTSTP], 1); raise(SIGSTOP); CHECK_EQ(caught[SIGCONT], 1));
	CHECK_EQ(waitpid(a, &status, WUNTRACED), a);
	CHECK_EQ(WSTOPSIG(status), SIGSTOP);
	kill(a, SIGCONT);
	CHECK_EQ(wait_status(a), 0);
	/* Stop and continue cancel each other while pending; a blocked SIGCONT continues. */
	a = SPAWN(mask(SIG_BLOCK, SIGTSTP); mask(SIG_BLOCK, SIGCONT); raise(SIGTSTP);
		  raise(SIGCONT); sigpending(&set); CHECK(!sigismember(&set, SIGTSTP));
		  CHECK(sigismember(&set, SIGCONT)); raise(SIGTSTP); sigpending(&set);
		  CHECK(sigismember(&set, SIGTSTP)); CHECK(!sigismember(&set, SIGCONT));
		  raise(SIGSTOP));
	CHECK_EQ(waitpid(a, &status, WUNTRACED), a);
	kill(a, SIGCONT);
	CHECK_EQ(wait_status(a), 0);
}

static void *stopper(void *arg)
{
	(void)arg;
	raise(SIGSTOP);
	return NULL;
}

static void all_threads_stop(void)
{
	volatile long *shared = map_shared(PAGE);
	pthread_t t;
	int status;
	long before;
	pid_t a;

	a = SPAWN(pthread_create(&t, NULL, stopper, NULL); for (;;) shared[0]++);
	CHECK_EQ(waitpid(a, &status, WUNTRACED), a);
	CHECK(WIFSTOPPED(status));
	before = shared[0];
	sleep_ms(30);
	CHECK_EQ(shared[0], before);
	kill(a, SIGCONT);
	WAIT_UNTIL(shared[0] > before);
	kill(a, SIGKILL);
	CHECK_EQ(wait_status(a), KILLED(SIGKILL));
}

static void *spinner(void *ready)
{
	__atomic_fetch_add((int *)ready, 1, __ATOMIC_SEQ_CST);
	for (;;)
		;
	return NULL;
}

/* When wait() tells of the stop, all threads are shown as stopped. */
static void threads_are_stopped(void)
{
	volatile int *ready = map_shared(PAGE);
	char path[64], text[512];
	pthread_t t;
	int status;
	pid_t a;

	SKIP_IF(!has_proc(), "no /proc");
	a = SPAWN(for (int i = 0; i < 7; i++) pthread_create(&t, NULL, spinner, (void *)ready);
		  spinner((void *)ready));
	WAIT_UNTIL(*ready == 8);
	for (int round = 0; round < 20; round++) {
		DIR *d;

		kill(a, SIGSTOP);
		CHECK_EQ(waitpid(a, &status, WUNTRACED), a);
		snprintf(path, sizeof(path), "/proc/%d/task", a);
		d = opendir(path);
		for (struct dirent *e; (e = readdir(d));) {
			int fd, n;

			if (e->d_name[0] == '.')
				continue;
			snprintf(path, sizeof(path), "/proc/%d/task/%.20s/stat", a, e->d_name);
			fd = open(path, O_RDONLY);
			n = (int)read(fd, text, sizeof(text) - 1);
			close(fd);
			text[n > 0 ? n : 0] = 0;
			CHECK(strstr(text, ") T "));
		}
		closedir(d);
		kill(a, SIGCONT);
		CHECK_EQ(waitpid(a, &status, WCONTINUED), a);
	}
	kill(a, SIGKILL);
	CHECK_EQ(wait_status(a), KILLED(SIGKILL));
}

static void groups(void)
{
	int status, pipes[2];
	pid_t a, b;
	char c;

	CHECK_EQ(getpgid(0), getpgrp());
	CHECK_ERR(getpgid(-1), ESRCH);
	CHECK_ERR(getpgid(99999999), ESRCH);
	CHECK_ERR(setpgid(0, -1), EINVAL);
	CHECK_ERR(setpgid(99999999, 0), ESRCH);
	a = SPAWN(pause());
	CHECK_ERR(setpgid(a, 99999999), EPERM);
	CHECK_EQ(setpgid(a, a), 0);
	CHECK_EQ(getpgid(a), a);
	b = SPAWN(pause());
	CHECK_EQ(setpgid(b, a), 0);
	CHECK_EQ(getpgid(b), a);
	CHECK_EQ(getsid(b), getsid(0));
	/* All of a group. */
	CHECK_EQ(kill(-a, 0), 0);
	CHECK_EQ(kill(-a, SIGTERM), 0);
	CHECK_EQ(wait_status(a), KILLED(SIGTERM));
	CHECK_EQ(wait_status(b), KILLED(SIGTERM));
	CHECK_ERR(kill(-a, 0), ESRCH);
	/* kill(0): one's own. */
	a = SPAWN(MUST(setpgid(0, 0)); b = SPAWN(pause()); signal(SIGTERM, SIG_IGN);
		  MUST(kill(0, SIGTERM)); CHECK_EQ(wait_status(b), KILLED(SIGTERM)));
	CHECK_EQ(wait_status(a), 0);
	/* A child that has executed is out of reach. */
	MUST(pipe(pipes));
	a = SPAWN(dup2(pipes[1], 1); execl(self_path(), "jobs", "ready", (char *)NULL));
	CHECK_EQ(read(pipes[0], &c, 1), 1);
	CHECK_ERR(setpgid(a, a), EACCES);
	kill(a, SIGKILL);
	CHECK_EQ(waitpid(a, &status, 0), a);
	close(pipes[0]);
	close(pipes[1]);
}

static void sessions(void)
{
	struct stat s;
	pid_t a;

	CHECK_EQ(stat("/dev/tty", &s), 0);
	CHECK_EQ(s.st_rdev, 0x500);
	CHECK_ERR(getsid(99999999), ESRCH);
	a = SPAWN(CHECK_EQ(setsid(), getpid()); CHECK_EQ(getsid(0), getpid());
		  CHECK_EQ(getpgrp(), getpid()); CHECK_ERR(setsid(), EPERM);
		  CHECK_ERR(setpgid(0, 0), EPERM);
		  /* No terminal there. */
		  CHECK_ERR(open("/dev/tty", O_RDWR), ENXIO));
	CHECK_EQ(wait_status(a), 0);
	a = SPAWN(MUST(setsid()); pause());
	WAIT_UNTIL(getsid(a) == a);
	CHECK_ERR(setpgid(a, getpgrp()), EPERM);
	kill(a, SIGKILL);
	CHECK_EQ(wait_status(a), KILLED(SIGKILL));
	/* The leader of a group cannot make a session. */
	CHECK_EQ(IN_CHILD(MUST(setpgid(0, 0)); CHECK_ERR(setsid(), EPERM)), 0);
}

/* When the last parent outside of a group ends and one of the group is stopped: HUP and CONT. */
static void orphaned_group(void)
{
	int pipes[2], status;
	pid_t middle;
	char c;

	MUST(pipe(pipes));
	middle =
	    SPAWN(MUST(setsid()); pid_t inner = SPAWN(MUST(setpgid(0, 0)); handle(SIGHUP, catch, 0);
						      handle(SIGCONT, catch, 0); raise(SIGSTOP);
						      c = caught[SIGHUP] * 10 + caught[SIGCONT];
						      MUST(write(pipes[1], &c, 1)));
		  CHECK_EQ(waitpid(inner, &status, WUNTRACED), inner));
	close(pipes[1]);
	CHECK_EQ(wait_status(middle), 0);
	CHECK_EQ(read(pipes[0], &c, 1), 1);
	CHECK_EQ(c, 11);
	close(pipes[0]);
	/* There, SIGTSTP does not stop. */
	CHECK_EQ(IN_CHILD(MUST(setsid()); raise(SIGTSTP)), 0);
}

/* The leader of a group gets SIGKILL while it takes SIGTSTP.  It has not stopped then, so its end
 * makes the group an orphaned one, but does not hang it up. */
static void killed_while_stopping(void)
{
	for (int round = 0; round < 100; round++) {
		int to[2], from[2];
		pid_t leader;
		char c = 0;

		MUST(pipe(to));
		MUST(pipe(from));
		leader = SPAWN(MUST(setpgid(0, 0)); if (fork() == 0) {
			MUST(write(from[1], "r", 1));
			MUST(read(to[0], &c, 1));
			MUST(write(from[1], "l", 1));
			_exit(0);
		} for (;;) pause());
		close(from[1]);
		CHECK_EQ(read(from[0], &c, 1), 1);
		kill(leader, SIGTSTP);
		for (volatile int i = 0; i < round % 20 * 1000; i++)
			;
		kill(leader, SIGKILL);
		CHECK_EQ(wait_status(leader), KILLED(SIGKILL));
		MUST(write(to[1], "g", 1));
		CHECK_EQ(read(from[0], &c, 1), 1); /* the other member is alive */
		close(from[0]);
		close(to[0]);
		close(to[1]);
	}
}

/* A signal to a group of many that fork all the time reaches each member once, and no child that is made
 * afterwards. */
static volatile int *got, *spare;

static void count_signal(int number)
{
	(void)number;
	__atomic_fetch_add((int *)got, 1, __ATOMIC_SEQ_CST);
	if (fork() == 0) {
		sleep_ms(20);
		_exit(0);
	}
}

static void fork_for_ever(void)
{
	handle(SIGUSR1, count_signal, SA_RESTART);
	__atomic_fetch_add((int *)spare, 1, __ATOMIC_SEQ_CST);
	for (;;) {
		pid_t pid = fork();

		if (pid == 0) {
			signal(SIGUSR1, SIG_DFL); /* a member that was made before the signal dies of it */
			usleep(500);
			_exit(0);
		}
		if (pid > 0)
			while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
				;
	}
}

static void group_that_forks(void)
{
	enum { MEMBERS = 60 };
	pid_t group = 0;

	got = map_shared(PAGE);
	spare = got + 1;
	MUST(prctl(PR_SET_CHILD_SUBREAPER, 1));
	for (int i = 0; i < MEMBERS; i++) {
		pid_t pid = SPAWN(fork_for_ever());

		group = group ? group : pid;
		MUST(setpgid(pid, group));
	}
	WAIT_UNTIL(*spare == MEMBERS);
	for (int round = 1; round <= 5; round++) {
		CHECK_EQ(kill(-group, SIGUSR1), 0);
		WAIT_UNTIL(*got >= round * MEMBERS);
		sleep_ms(30);
		/* Also children that had not yet set the default action. */
		CHECK(*got >= round * MEMBERS && *got < (2 * round + 1) * MEMBERS);
	}
	CHECK_EQ(kill(-group, SIGKILL), 0);
	while (waitpid(-group, NULL, 0) > 0)
		;
	CHECK_ERR(kill(-group, 0), ESRCH);
}

int main(int argc, char *argv[])
{
	if (argc == 2 && strcmp(argv[1], "ready") == 0) {
		MUST(write(1, "r", 1));
		pause();
	}
	check_start();
	RUN(stopping);
	RUN(handled_stops);
	RUN(all_threads_stop);
	RUN(threads_are_stopped);
	RUN(groups);
	RUN(sessions);
	RUN(orphaned_group);
	RUN(killed_while_stopping);
	RUN(group_that_forks);
	return check_end();
}
