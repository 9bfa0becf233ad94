/* SPDX-License-Identifier: MIT
 *
 * Processes: fork, vfork, clone, exit, wait4, waitid, orphans, zombies, posix_spawn, use of
 * resources.
 */
#include <sched.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/times.h>

#include "check.h"

extern char **environ;

static void burn(long ms)
{
	long end = cpu_ns(CLOCK_PROCESS_CPUTIME_ID) + ms * 1000000;

	while (cpu_ns(CLOCK_PROCESS_CPUTIME_ID) < end)
		;
}

static void exit_codes(void)
{
	static int global = 5;
	pid_t parent = getpid(), pid;
	int local = 6;

	CHECK_EQ(IN_CHILD(_exit(0)), EXITED(0));
	CHECK_EQ(IN_CHILD(_exit(255)), EXITED(255));
	CHECK_EQ(IN_CHILD(_exit(0x1234)), EXITED(0x34));
	CHECK_EQ(IN_CHILD(syscall(SYS_exit, 7)), EXITED(7));
	CHECK_EQ(IN_CHILD(kill(getpid(), SIGKILL)), KILLED(SIGKILL));
	CHECK_EQ(IN_CHILD(raise(SIGTERM)), KILLED(SIGTERM));
	CHECK_EQ(IN_CHILD(abort()), KILLED(SIGABRT));
	/* Memory is a copy. */
	pid = SPAWN(CHECK_EQ(getppid(), parent); CHECK(getpid() != parent); global = 50; local = 60;
		    CHECK_EQ(global + local, 110));
	CHECK_EQ(wait_status(pid), 0);
	CHECK_EQ(global + local, 11);
	CHECK_EQ(getpid(), syscall(SYS_gettid));
}

static void wait_options(void)
{
	struct rusage use;
	int status, pipes[2];
	pid_t a, b;

	CHECK_ERR(wait(NULL), ECHILD);
	CHECK_ERR(waitpid(1, &status, 0), ECHILD);
	CHECK_ERR(waitpid(99999999, &status, 0), ECHILD);
	CHECK_ERR(waitpid(-1, &status, 0x100), EINVAL);
	MUST(pipe(pipes));
	char c;
	a = SPAWN(close(pipes[1]); CHECK_EQ(read(pipes[0], &c, 1), 0));
	CHECK_EQ(waitpid(a, &status, WNOHANG), 0);
	CHECK_EQ(waitpid(-1, &status, WNOHANG), 0);
	b = SPAWN(_exit(3));
	/* The one asked for, although another is older. */
	CHECK_EQ(waitpid(b, &status, 0), b);
	CHECK_EQ(status, EXITED(3));
	CHECK_ERR(waitpid(b, &status, 0), ECHILD);
	close(pipes[1]);
	CHECK_EQ(wait4(-1, &status, 0, &use), a);
	CHECK_EQ(status, 0);
	CHECK(use.ru_minflt > 0);
	close(pipes[0]);
	/* By group. */
	a = SPAWN(setpgid(0, 0); _exit(1));
	setpgid(a, a);
	b = SPAWN(_exit(2));
	CHECK_EQ(waitpid(-a, &status, 0), a);
	CHECK_EQ(status, EXITED(1));
	CHECK_ERR(waitpid(-a, &status, 0), ECHILD);
	CHECK_EQ(waitpid(0, &status, 0), b);
	CHECK_EQ(status, EXITED(2));
	/* A bad pointer: the child is gone all the same. */
	a = SPAWN(_exit(0));
	CHECK_ERR(waitpid(a, BAD, 0), EFAULT);
	CHECK_ERR(waitpid(a, NULL, 0), ECHILD);
	/* No pointer at all. */
	a = SPAWN(_exit(9));
	CHECK_EQ(waitpid(a, NULL, 0), a);
}

static void wait_by_id(void)
{
	siginfo_t info = {0};
	pid_t a;

	SKIP_IF(!has_call(SYS_waitid), "no waitid()");
	CHECK_ERR(waitid(P_ALL, 0, &info, WEXITED), ECHILD);
	CHECK_ERR(waitid(P_ALL, 0, &info, 0), EINVAL);
	CHECK_ERR(waitid(P_ALL, 0, &info, WNOHANG), EINVAL);
	CHECK_ERR(waitid(17, 0, &info, WEXITED), EINVAL);
	CHECK_ERR(waitid(P_PID, 0, &info, WEXITED), EINVAL);
	a = SPAWN(_exit(42));
	CHECK_EQ(waitid(P_PID, a, &info, WEXITED | WNOWAIT), 0);
	CHECK_EQ(info.si_signo, SIGCHLD);
	CHECK_EQ(info.si_code, CLD_EXITED);
	CHECK_EQ(info.si_pid, a);
	CHECK_EQ(info.si_status, 42);
	CHECK_EQ(info.si_uid, getuid());
	memset(&info, 0, sizeof(info));
	CHECK_EQ(waitid(P_ALL, 0, &info, WEXITED), 0);
	CHECK_EQ(info.si_pid, a);
	CHECK_ERR(waitid(P_PID, a, &info, WEXITED), ECHILD);
	a = SPAWN(pause());
	info.si_pid = 77;
	CHECK_EQ(waitid(P_ALL, 0, &info, WEXITED | WNOHANG), 0);
	CHECK_EQ(info.si_pid, 0);
	kill(a, SIGTERM);
	CHECK_EQ(waitid(P_PGID, getpgrp(), &info, WEXITED), 0);
	CHECK_EQ(info.si_code, CLD_KILLED);
	CHECK_EQ(info.si_status, SIGTERM);
	/* After an error it is empty. */
	CHECK_ERR(waitid(P_ALL, 0, &info, WEXITED), ECHILD);
	CHECK_EQ(info.si_signo, 0);
	CHECK_EQ(info.si_pid, 0);
	CHECK_ERR(waitid(P_ALL, 0, BAD, WEXITED), EFAULT);
	CHECK_ERR(waitid(P_PGID, (id_t)-5, NULL, WEXITED), EINVAL);
}

static void zombies(void)
{
	pid_t a = SPAWN(_exit(0));
	siginfo_t info;

	if (has_call(SYS_waitid)) {
		CHECK_EQ(waitid(P_PID, a, &info, WEXITED | WNOWAIT), 0);
		CHECK_STATE(a, 'Z');
	}
	CHECK_EQ(kill(a, 0), 0);
	CHECK_EQ(kill(a, SIGKILL), 0);
	CHECK_EQ(getpgid(a), getpgrp());
	CHECK_EQ(waitpid(a, NULL, 0), a);
	CHECK_ERR(kill(a, 0), ESRCH);
	CHECK_STATE(a, 0);
	CHECK_ERR(getpgid(a), ESRCH);
}

/* wait() finds a child that has ended, although an older one still runs. */
static void younger_ends_first(void)
{
	pid_t older = SPAWN(pause()), younger = SPAWN(_exit(7));
	siginfo_t info;
	int status;

	if (has_call(SYS_waitid)) {
		CHECK_EQ(waitid(P_PID, younger, &info, WEXITED | WNOWAIT), 0);
		CHECK_EQ(waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT), 0);
		CHECK_EQ(info.si_pid, younger);
		CHECK_EQ(info.si_status, 7);
	}
	CHECK_EQ(waitpid(-1, &status, 0), younger);
	CHECK_EQ(status, EXITED(7));
	kill(older, SIGKILL);
	CHECK_EQ(wait_status(older), KILLED(SIGKILL));
}

static void orphans(void)
{
	volatile pid_t *shared = map_shared(PAGE);
	int pipes[2];
	pid_t middle;
	char c;

	/* A grandchild outlives its parent and gets another. */
	MUST(pipe(pipes));
	middle = SPAWN(shared[0] = getpid();
		       if (SPAWN(while (getppid() == shared[0]) sleep_ms(1); shared[1] = getppid();
				 MUST(write(pipes[1], "x", 1))) < 0) _exit(1);
		       _exit(0));
	CHECK_EQ(wait_status(middle), 0);
	CHECK_EQ(read(pipes[0], &c, 1), 1);
	CHECK(shared[1] > 0 && shared[1] != middle && shared[1] != getpid());
	close(pipes[0]);
	close(pipes[1]);
}

static void count_signal(int number)
{
	(void)number;
}

/* fork() while signals are sent to the process group: it may begin again, but it must not fail. */
static void forks_under_signals(void)
{
	struct sigaction count = {.sa_handler = count_signal};
	pid_t sender, child;
	int failed = 0, status;

	child = fork();
	if (child) {
		CHECK(waitpid(child, &status, 0) == child && status == 0);
		return;
	}
	setpgid(0, 0);
	sigaction(SIGUSR1, &count, NULL);
	sender = fork();
	if (sender == 0) {
		signal(SIGUSR1, SIG_IGN);
		for (;;)
			kill(0, SIGUSR1);
	}
	for (int i = 0; i < 100 && !failed; i++) {
		pid_t p = fork();

		if (p == 0)
			_exit(0);
		failed = p < 0 ? errno : 0;
		while (p > 0 && waitpid(p, NULL, 0) < 0 && errno == EINTR)
			;
	}
	kill(sender, SIGKILL);
	while (waitpid(sender, NULL, 0) < 0 && errno == EINTR)
		;
	_exit(failed & 0xff);
}

static void ignored_children(void)
{
	int status;
	pid_t a;

	handle(SIGCHLD, SIG_IGN, 0);
	a = SPAWN(_exit(1));
	CHECK_ERR(waitpid(a, &status, 0), ECHILD);
	CHECK_ERR(kill(a, 0), ESRCH);
	handle(SIGCHLD, catch, SA_NOCLDWAIT);
	a = SPAWN(_exit(1));
	while (wait(&status) < 0 && errno == EINTR)
		;
	CHECK_EQ(errno, ECHILD);
	WAIT_UNTIL(caught[SIGCHLD] == 1);
	handle(SIGCHLD, SIG_DFL, 0);
}

static void vforks(void)
{
	static volatile int shared;
	pid_t a;

	a = vfork();
	if (a == 0) {
		shared = 17;
		_exit(6);
	}
	CHECK_EQ(shared, 17);
	CHECK_EQ(wait_status(a), EXITED(6));
	/* The parent waits until exec or exit. */
	shared = 0;
	a = vfork();
	if (a == 0) {
		struct timespec t = {0, 50000000};

		nanosleep(&t, NULL);
		shared = 18;
		execl(self_path(), "processes", "exit", "11", (char *)NULL);
		_exit(1);
	}
	CHECK_EQ(shared, 18);
	CHECK_EQ(wait_status(a), EXITED(11));
}

static void spawning(void)
{
	char *argv[] = {"processes", "exit", "12", NULL}, *group[] = {"processes", "leader", NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int pipes[2];
	char text[32];
	pid_t a = -1;

	CHECK_EQ(posix_spawn(&a, self_path(), NULL, NULL, argv, environ), 0);
	CHECK_EQ(wait_status(a), EXITED(12));
	CHECK_EQ(posix_spawn(&a, "/absent", NULL, NULL, argv, environ), ENOENT);
	CHECK_ERR(wait(NULL), ECHILD);
	MUST(pipe(pipes));
	argv[1] = "echo";
	argv[2] = "spoken";
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, pipes[1], 1);
	posix_spawn_file_actions_addclose(&actions, pipes[0]);
	CHECK_EQ(posix_spawn(&a, self_path(), &actions, NULL, argv, environ), 0);
	close(pipes[1]);
	CHECK_EQ(read(pipes[0], text, sizeof(text)), 6);
	CHECK_EQ(memcmp(text, "spoken", 6), 0);
	CHECK_EQ(wait_status(a), 0);
	close(pipes[0]);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
	CHECK_EQ(posix_spawn(&a, self_path(), NULL, &attributes, group, environ), 0);
	CHECK_EQ(wait_status(a), 0);
	CHECK_EQ(WEXITSTATUS(system("exit 9")), 9);
}

static void *sleeper(void *arg)
{
	while (!arg)
		pause();
	return arg;
}

static void *exit_all(void *arg)
{
	exit((int)(long)arg);
}

static void *exit_later(void *arg)
{
	sleep_ms(30);
	exit((int)(long)arg);
}

static pthread_t start(void *(*function)(void *), long arg)
{
	pthread_t t;

	CHECK_EQ(pthread_create(&t, NULL, function, (void *)arg), 0);
	return t;
}

/* Whether this process has so many threads, as far as /proc can be asked. */
static bool has_threads(int wanted)
{
	char line[128];
	int count = -1;
	FILE *f = fopen("/proc/self/status", "r");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "Threads: %d", &count) == 1)
			break;
	if (f)
		fclose(f);
	return count == wanted || !has_proc();
}

static void with_threads(void)
{
	/* Fork copies the calling thread alone. */
	CHECK_EQ(IN_CHILD(start(sleeper, 0); start(sleeper, 0); CHECK(has_threads(3));
			  CHECK_EQ(IN_CHILD(CHECK(has_threads(1))), 0)),
		 0);
	/* exit() of any ends all; the main thread's end does not. */
	CHECK_EQ(IN_CHILD(start(sleeper, 0); start(exit_all, 21); pause()), EXITED(21));
	CHECK_EQ(IN_CHILD(start(exit_later, 22); pthread_exit(NULL)), EXITED(22));
	CHECK_EQ(IN_CHILD(start(exit_later, 23); syscall(SYS_exit, 5)), EXITED(23));
	/* A fatal signal to one thread ends the process. */
	CHECK_EQ(IN_CHILD(pthread_kill(start(sleeper, 0), SIGUSR1); pause()), KILLED(SIGUSR1));
	/* While the main thread has ended, the process has not. The kernel clears the word when the
	 * thread ends. */
	volatile int *tid = map_shared(PAGE);
	*tid = 1;
	pid_t a = SPAWN(syscall(SYS_set_tid_address, tid); start(sleeper, 0); syscall(SYS_exit, 5));
	WAIT_UNTIL(*tid == 0);
	WAIT_UNTIL(!has_proc() || process_state(a) == 'Z');
	munmap((void *)tid, PAGE);
	CHECK_EQ(waitpid(a, NULL, WNOHANG), 0);
	kill(a, SIGTERM);
	CHECK_EQ(wait_status(a), KILLED(SIGTERM));
}

static volatile int *leader; /* not 0: the leader lives.  The kernel clears the word at its end. */

/* Makes a process whose leader ends alone, by syscall(SYS_exit) or pthread_exit(). */
static void note_leader(void)
{
	*leader = 1;
	syscall(SYS_set_tid_address, leader);
}

static void *exit_after_leader(void *arg)
{
	WAIT_UNTIL(!*leader); /* a moment before it leaves the process */
	if (has_proc())
		WAIT_UNTIL(process_state(getpid()) == 'Z');
	else
		sleep_ms(100);
	syscall(SYS_exit, (int)(long)arg);
	return arg;
}

static volatile pid_t ended_tid;

static void *exit_thread(void *arg)
{
	ended_tid = (pid_t)syscall(SYS_gettid);
	syscall(SYS_exit, (int)(long)arg);
	return arg;
}

/* The status of a process is that of the thread that ends last, unless exit_group() or a signal
 * decides it. */
static void leader_first(void)
{
	siginfo_t info;
	pid_t pid;

	leader = map_shared(PAGE);
	CHECK_EQ(IN_CHILD(note_leader(); start(exit_after_leader, 31); syscall(SYS_exit, 5)),
		 EXITED(31));
	CHECK_EQ(IN_CHILD(note_leader(); start(exit_after_leader, 31); pthread_exit(NULL)),
		 EXITED(31));
	CHECK_EQ(IN_CHILD(start(exit_thread, 31);
			  WAIT_UNTIL(ended_tid && syscall(SYS_tkill, ended_tid, 0) < 0);
			  syscall(SYS_exit, 6)),
		 EXITED(6));
	CHECK_EQ(IN_CHILD(start(exit_all, 32); syscall(SYS_exit, 5)), EXITED(32));
	pid = SPAWN(note_leader(); start(exit_after_leader, 33); syscall(SYS_exit, 5));
	if (has_call(SYS_waitid)) {
		CHECK_EQ(waitid(P_PID, pid, &info, WEXITED | WNOWAIT), 0);
		CHECK_EQ(info.si_code, CLD_EXITED);
		CHECK_EQ(info.si_status, 33);
	}
	CHECK_EQ(wait_status(pid), EXITED(33));
	/* All at once: some status of theirs, and no other. */
	for (int i = 0; i < 20; i++) {
		int status = IN_CHILD(for (long n = 41; n < 44; n++) start(exit_all, n);
				      syscall(SYS_exit_group, 44));

		CHECK(WIFEXITED(status) && WEXITSTATUS(status) > 40 && WEXITSTATUS(status) < 45);
	}
}

static volatile pid_t sleeper_tid;

static void *sleeper_known(void *arg)
{
	sleeper_tid = (pid_t)syscall(SYS_gettid);
	return sleeper(arg);
}

static void forget(void)
{
	sleeper_tid = 0;
}

/* What a number of a thread that is not the leader names. */
static void by_thread_number(void)
{
	pid_t tid, pid = getpid();
	char path[64], line[128];
	int tgid = 0, number = 0;
	FILE *f;

	forget();
	start(sleeper_known, 0);
	WAIT_UNTIL(sleeper_tid != 0);
	tid = sleeper_tid;
	CHECK(tid != pid);
	CHECK_EQ(kill(tid, 0), 0);
	CHECK_EQ(getpgid(tid), getpgrp());
	CHECK_EQ(getsid(tid), getsid(0));
	CHECK_ERR(waitpid(tid, NULL, 0), ECHILD);
	caught[SIGUSR1] = 0;
	handle(SIGUSR1, catch, 0);
	CHECK_EQ(kill(tid, SIGUSR1), 0);
	WAIT_UNTIL(caught[SIGUSR1] == 1);
	if (has_call(SYS_rt_sigqueueinfo)) {
		siginfo_t info = {.si_code = SI_QUEUE};

		info.si_pid = pid;
		CHECK_EQ(syscall(SYS_rt_sigqueueinfo, tid, SIGUSR1, &info), 0);
		WAIT_UNTIL(caught[SIGUSR1] == 2);
	}
	if (has_call(SYS_sched_getscheduler))
		CHECK_EQ(syscall(SYS_sched_getscheduler, tid), 0);
	if (has_proc()) {
		snprintf(path, sizeof(path), "/proc/%d/status", tid);
		f = fopen(path, "r");
		CHECK(f);
		while (f && fgets(line, sizeof(line), f)) {
			sscanf(line, "Tgid: %d", &tgid);
			sscanf(line, "Pid: %d", &number);
		}
		if (f)
			fclose(f);
		CHECK_EQ(tgid, pid);
		CHECK_EQ(number, tid);
		snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", tid, pid);
		CHECK_EQ(access(path, R_OK), 0);
		snprintf(path, sizeof(path), "/proc/0%d", tid);
		CHECK_EQ(access(path, F_OK), -1);
	}
	handle(SIGUSR1, SIG_DFL, 0);
}

/* Runs in a second thread, after the leader has ended. */
static void *count_threads(void *unused)
{
	(void)unused;
	WAIT_UNTIL(!*leader);
	_exit(has_threads(2) ? 51 : 52);
}

static void ended_leader_counts(void)
{
	leader = map_shared(PAGE);
	CHECK_EQ(IN_CHILD(note_leader(); start(count_threads, 0); syscall(SYS_exit, 5)),
		 EXITED(51));
	munmap((void *)leader, PAGE);
}

static void resources(void)
{
	struct rusage before, after;
	struct tms t;
	struct timespec ts;

	SKIP_IF(!has_call(SYS_getrusage), "no getrusage()");
	CHECK_EQ(getrusage(RUSAGE_CHILDREN, &before), 0);
	CHECK_EQ(IN_CHILD(burn(60)), 0);
	CHECK_EQ(getrusage(RUSAGE_CHILDREN, &after), 0);
	CHECK((after.ru_utime.tv_sec - before.ru_utime.tv_sec) * 1000000 + after.ru_utime.tv_usec -
		  before.ru_utime.tv_usec +
		  (after.ru_stime.tv_sec - before.ru_stime.tv_sec) * 1000000 +
		  after.ru_stime.tv_usec - before.ru_stime.tv_usec >=
	      40000);
	CHECK_EQ(getrusage(RUSAGE_SELF, &before), 0);
	CHECK(before.ru_maxrss >= 0 && before.ru_maxrss < 1000000);
	burn(30);
	CHECK_EQ(getrusage(1, &after), 0); /* RUSAGE_THREAD */
	CHECK(after.ru_utime.tv_sec * 1000000 + after.ru_utime.tv_usec +
		  after.ru_stime.tv_sec * 1000000 + after.ru_stime.tv_usec >=
	      20000);
	CHECK_ERR(syscall(SYS_getrusage, 5, &after), EINVAL);
	CHECK_ERR(syscall(SYS_getrusage, RUSAGE_SELF, BAD), EFAULT);
	CHECK(times(&t) > 0);
	CHECK(t.tms_utime + t.tms_stime >= 2);
	CHECK(t.tms_cutime + t.tms_cstime >= 4);
	CHECK_EQ(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts), 0);
	CHECK(ts.tv_sec * 1000 + ts.tv_nsec / 1000000 >= 30);
}

/* The raw call: flags, TID, stack (0: the caller's, copied). */
static long clone_raw(unsigned long flags, int *parent_tid, int *child_tid)
{
	return syscall(SYS_clone, flags, 0, parent_tid, child_tid, 0);
}

#ifndef CLONE_CLEAR_SIGHAND /* <linux/sched.h> */
#define CLONE_CLEAR_SIGHAND 0x100000000ULL
#endif

static void clones(void)
{
	volatile int *tids = map_shared(PAGE);
	int status;
	pid_t a;

	CHECK_ERR(clone_raw(CLONE_SIGHAND | SIGCHLD, NULL, NULL), EINVAL);
	CHECK_ERR(clone_raw(CLONE_THREAD | SIGCHLD, NULL, NULL), EINVAL);
	CHECK_ERR(clone_raw(CLONE_THREAD | CLONE_VM | SIGCHLD, NULL, NULL), EINVAL);
	a = clone_raw(CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | SIGCHLD, (int *)tids,
		      (int *)tids + 1);
	if (a == 0)
		_exit(tids[1] != syscall(SYS_gettid));
	CHECK_EQ(wait_status(a), 0);
	CHECK_EQ(tids[0], a);
	/* No signal at its end: a wait must ask for such children. */
	handle(SIGCHLD, catch, 0);
	caught[SIGCHLD] = 0;
	a = clone_raw(0, NULL, NULL);
	if (a == 0)
		_exit(3);
	CHECK_ERR(waitpid(a, &status, 0), ECHILD);
	CHECK_EQ(waitpid(a, &status, __WALL), a);
	CHECK_EQ(status, EXITED(3));
	CHECK_EQ(caught[SIGCHLD], 0);
	handle(SIGCHLD, SIG_DFL, 0);
	handle(SIGUSR2, catch, SA_RESTART);
	a = clone_raw(SIGUSR2, NULL, NULL);
	if (a == 0)
		_exit(0);
	CHECK_EQ(waitpid(a, &status, __WCLONE), a);
	handle(SIGUSR2, SIG_DFL, 0);
}

/* clone3() and the sizes that its structure may have. */
static void clones_by_structure(void)
{
	struct {
		uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls,
		    set_tid, set_tid_size, cgroup, more;
	} args = {.exit_signal = SIGCHLD};
	pid_t a;

	SKIP_IF(!has_call(SYS_clone3), "no clone3()");
	a = syscall(SYS_clone3, &args, 88);
	if (a == 0)
		_exit(8);
	CHECK_EQ(wait_status(a), EXITED(8));
	a = syscall(SYS_clone3, &args, 64);
	if (a == 0)
		_exit(9);
	CHECK_EQ(wait_status(a), EXITED(9));
	CHECK_ERR(syscall(SYS_clone3, &args, 63), EINVAL);
	CHECK_ERR(syscall(SYS_clone3, BAD, 88), EFAULT);
	args.more = 1;
	CHECK_ERR(syscall(SYS_clone3, &args, sizeof(args)), E2BIG);
	args.more = 0;
	args.exit_signal = 4711;
	CHECK_ERR(syscall(SYS_clone3, &args, 88), EINVAL);
	args.exit_signal = 0;
	args.flags = SIGCHLD;
	CHECK_ERR(syscall(SYS_clone3, &args, 88), EINVAL);
	args.flags = 0;
	args.stack = 4096;
	CHECK_ERR(syscall(SYS_clone3, &args, 88), EINVAL);
	/* CLONE_CLEAR_SIGHAND: handlers are gone, what is ignored stays so. */
	args.stack = 0;
	args.exit_signal = SIGCHLD;
	args.flags = CLONE_CLEAR_SIGHAND | CLONE_SIGHAND | CLONE_VM;
	CHECK_ERR(syscall(SYS_clone3, &args, 88), EINVAL);
	args.flags = CLONE_CLEAR_SIGHAND;
	handle(SIGUSR1, catch, 0);
	handle(SIGUSR2, SIG_IGN, 0);
	a = syscall(SYS_clone3, &args, 88);
	if (a == 0) {
		kill(getpid(), SIGUSR2); /* raise() would use the TID of its maker */
		kill(getpid(), SIGUSR1);
		_exit(10);
	}
	CHECK_EQ(wait_status(a), KILLED(SIGUSR1));
	caught[SIGUSR1] = 0;
	raise(SIGUSR1);
	CHECK_EQ(caught[SIGUSR1], 1);
	handle(SIGUSR1, SIG_DFL, 0);
	handle(SIGUSR2, SIG_DFL, 0);
}

static void names(void)
{
	char name[16] = "", text[64];
	int fd;

	SKIP_IF(!has_call(SYS_prctl), "no prctl()");
	CHECK_EQ(prctl(PR_SET_NAME, "a-name-that-is-too-long"), 0);
	CHECK_EQ(prctl(PR_GET_NAME, name), 0);
	CHECK_EQ(strcmp(name, "a-name-that-is-"), 0);
	if (has_proc()) {
		fd = MUST(open("/proc/self/comm", O_RDONLY));
		CHECK_EQ(read(fd, text, sizeof(text)), 16);
		CHECK_EQ(memcmp(text, "a-name-that-is-\n", 16), 0);
		close(fd);
	}
	if (has_proc()) { /* `status` has a line for each fact, the other two do not */
		CHECK_EQ(prctl(PR_SET_NAME, "a b\nPid:\t1\\\033"), 0);
		fd = MUST(open("/proc/self/status", O_RDONLY));
		CHECK_EQ(read(fd, text, 21), 21);
		CHECK_EQ(memcmp(text, "Name:\ta b\\nPid:\t1\\\\\033\n", 21), 0);
		close(fd);
		fd = MUST(open("/proc/self/comm", O_RDONLY));
		CHECK_EQ(read(fd, text, sizeof(text)), 13);
		CHECK_EQ(memcmp(text, "a b\nPid:\t1\\\033\n", 13), 0);
		close(fd);
	}
	CHECK_ERR(prctl(PR_SET_NAME, BAD), EFAULT);
	CHECK_ERR(prctl(4711), EINVAL);
	/* A signal when the parent ends. */
	int pipes[2];
	char c;
	MUST(pipe(pipes));
	CHECK_EQ(IN_CHILD(SPAWN(MUST(prctl(PR_SET_PDEATHSIG, SIGKILL));
				MUST(write(pipes[1], "r", 1)); pause());
			  CHECK_EQ(read(pipes[0], &c, 1), 1)),
		 0);
	close(pipes[1]);
	CHECK_EQ(read(pipes[0], &c, 1), 0);
	close(pipes[0]);
}

static void *look_at_dumpable(void *unused)
{
	(void)unused;
	return (void *)(long)prctl(PR_GET_DUMPABLE);
}

/* May others look into the process?  All its threads have the same; children inherit it. */
static void dumpable(void)
{
	void *seen;

	SKIP_IF(!has_call(SYS_setuid) || !has_call(SYS_prctl), "no rights");
	CHECK_EQ(prctl(PR_GET_DUMPABLE), 1);
	CHECK_ERR(prctl(PR_SET_DUMPABLE, 2), EINVAL);
	CHECK_EQ(IN_CHILD(CHECK_EQ(prctl(PR_SET_DUMPABLE, 0), 0);
			  CHECK_EQ(prctl(PR_GET_DUMPABLE), 0);
			  CHECK_EQ(IN_CHILD(CHECK_EQ(prctl(PR_GET_DUMPABLE), 0)), 0);
			  pthread_join(start(look_at_dumpable, 0), &seen); CHECK_EQ((long)seen, 0);
			  CHECK_EQ(prctl(PR_SET_DUMPABLE, 1), 0)),
		 0);
	CHECK_EQ(prctl(PR_GET_DUMPABLE), 1);
}

/* Options of prctl() that are stored and read back. */
static void options(void)
{
	int value = -1;
	uint64_t address = 1;

	SKIP_IF(!has_call(SYS_prctl), "no prctl()");
	/* The signal at the parent's end: not inherited. */
	CHECK_ERR(prctl(PR_SET_PDEATHSIG, 65), EINVAL);
	CHECK_EQ(IN_CHILD(CHECK_EQ(prctl(PR_GET_PDEATHSIG, &value), 0); CHECK_EQ(value, 0);
			  CHECK_EQ(prctl(PR_SET_PDEATHSIG, SIGUSR2), 0);
			  CHECK_EQ(prctl(PR_GET_PDEATHSIG, &value), 0); CHECK_EQ(value, SIGUSR2);
			  CHECK_EQ(IN_CHILD(CHECK_EQ(prctl(PR_GET_PDEATHSIG, &value), 0);
					    CHECK_EQ(value, 0)),
				   0)),
		 0);
	CHECK_ERR(prctl(PR_GET_PDEATHSIG, BAD), EFAULT);
	/* Timer slack: of the thread; its children's default. */
	CHECK_EQ(IN_CHILD(CHECK_EQ(prctl(PR_GET_TIMERSLACK), 50000);
			  CHECK_EQ(prctl(PR_SET_TIMERSLACK, 7), 0);
			  CHECK_EQ(prctl(PR_GET_TIMERSLACK), 7);
			  CHECK_EQ(IN_CHILD(CHECK_EQ(prctl(PR_GET_TIMERSLACK), 7);
					    MUST(prctl(PR_SET_TIMERSLACK, 9));
					    MUST(prctl(PR_SET_TIMERSLACK, 0));
					    CHECK_EQ(prctl(PR_GET_TIMERSLACK), 7)),
				   0);
			  CHECK_EQ(prctl(PR_SET_TIMERSLACK, 0), 0);
			  CHECK_EQ(prctl(PR_GET_TIMERSLACK), 50000)),
		 0);
	CHECK_EQ(prctl(PR_GET_TIMING), 0);
	CHECK_EQ(prctl(PR_SET_TIMING, 0), 0);
	CHECK_ERR(prctl(PR_SET_TIMING, 1), EINVAL);
	CHECK_EQ(prctl(PR_GET_TSC, &value), 0);
	CHECK_EQ(value, 1);
	CHECK_EQ(prctl(PR_SET_TSC, 1), 0);
	CHECK_ERR(prctl(PR_SET_TSC, 3), EINVAL);
	CHECK_EQ(IN_CHILD(CHECK_EQ(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), 0);
			  CHECK_EQ(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0), 0);
			  CHECK_EQ(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), 1);
			  CHECK_EQ(IN_CHILD(CHECK_EQ(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), 1)), 0)),
		 0);
	CHECK_ERR(prctl(PR_GET_THP_DISABLE, 0, 1, 0, 0), EINVAL);
	CHECK_EQ(IN_CHILD(static int word; syscall(SYS_set_tid_address, &word);
			  if (prctl(PR_GET_TID_ADDRESS, &address) == 0)
				  CHECK_EQ(address, (uintptr_t)&word)),
		 0);
}

/* A binary tree, depth 6: each sums what its children say. */
static int tree(int depth)
{
	pid_t left, right;

	if (!depth)
		return 1;
	left = fork();
	if (left == 0)
		_exit(tree(depth - 1));
	right = fork();
	if (right == 0)
		_exit(tree(depth - 1));
	return 1 + WEXITSTATUS(wait_status(left)) + WEXITSTATUS(wait_status(right));
}

static void fork_tree(void)
{
	CHECK_EQ(tree(6), 127);
}

int main(int argc, char *argv[])
{
	if (argc == 3 && strcmp(argv[1], "exit") == 0)
		return atoi(argv[2]);
	if (argc == 3 && strcmp(argv[1], "echo") == 0)
		return write(1, argv[2], strlen(argv[2])) < 0;
	if (argc == 2 && strcmp(argv[1], "leader") == 0)
		return getpgrp() != getpid();
	check_start();
	RUN(exit_codes);
	RUN(wait_options);
	RUN(wait_by_id);
	RUN(zombies);
	RUN(younger_ends_first);
	RUN(orphans);
	RUN(forks_under_signals);
	RUN(ignored_children);
	RUN(vforks);
	RUN(spawning);
	RUN(with_threads);
	RUN(leader_first);
	RUN(by_thread_number);
	RUN(ended_leader_counts);
	RUN(resources);
	RUN(clones);
	RUN(clones_by_structure);
	RUN(names);
	RUN(options);
	RUN(dumpable);
	RUN(fork_tree);
	return check_end();
}
