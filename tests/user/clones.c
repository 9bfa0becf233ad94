/* SPDX-License-Identifier: MIT
 *
 * What clone() and unshare() let processes share: descriptors, working directory and umask, signal
 * actions, the parent; each alone and together.
 */
#include <sched.h>
#include <sys/prctl.h>

#include "check.h"

#define STACK 65536

/* A process by clone() with these flags, which runs `function` on a stack of its own; its pid. */
static pid_t start(int (*function)(void *), int flags, void *argument)
{
	char *stack = map(STACK);
	pid_t pid = clone(function, stack + STACK, flags, argument);

	if (pid < 0)
		check_fail(__FILE__, __LINE__, "clone", "errno", errno, flags);
	return pid;
}

static int run(int (*function)(void *), int flags, void *argument)
{
	return wait_status(start(function, flags | SIGCHLD, argument));
}

static int change_files(void *fd)
{
	close(*(int *)fd);
	return open("/dev/null", O_RDONLY | O_CLOEXEC) != *(int *)fd;
}

static void files(void)
{
	int fd = open("/dev/null", O_WRONLY);

	CHECK_EQ(run(change_files, 0, &fd), 0);
	CHECK_EQ(fcntl(fd, F_GETFL) & O_ACCMODE, O_WRONLY);
	CHECK_EQ(fcntl(fd, F_GETFD), 0);
	CHECK_EQ(run(change_files, CLONE_FILES, &fd), 0);
	CHECK_EQ(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	/* Memory is a copy unless it is shared, too. */
	CHECK_EQ(run(change_files, CLONE_FILES | CLONE_VM, &fd), 0);
	CHECK_EQ(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	close(fd);
}

static int change_directory(void *unused)
{
	(void)unused;
	umask(077);
	return chdir("/dev") != 0;
}

static void directory(void)
{
	char path[PATH_MAX];

	MUST(chdir("/tmp"));
	CHECK_EQ(run(change_directory, CLONE_FILES, NULL), 0);
	CHECK(getcwd(path, sizeof(path)) && !strcmp(path, "/tmp"));
	CHECK_EQ(umask(022), 022);
	CHECK_EQ(run(change_directory, CLONE_FS, NULL), 0);
	CHECK(getcwd(path, sizeof(path)) && !strcmp(path, "/dev"));
	CHECK_EQ(umask(022), 077);
	MUST(chdir("/"));
}

static int change_action(void *unused)
{
	(void)unused;
	signal(SIGUSR1, SIG_IGN);
	signal(SIGUSR2, catch);
	return 0;
}

static uintptr_t action_of(int number)
{
	struct sigaction action;

	MUST(sigaction(number, NULL, &action));
	return (uintptr_t)action.sa_handler;
}

static void actions(void)
{
	signal(SIGUSR1, SIG_DFL);
	signal(SIGUSR2, SIG_DFL);
	CHECK_EQ(run(change_action, CLONE_VM, NULL), 0);
	CHECK_EQ(action_of(SIGUSR1), (uintptr_t)SIG_DFL);
	CHECK_EQ(run(change_action, CLONE_VM | CLONE_SIGHAND, NULL), 0);
	CHECK_EQ(action_of(SIGUSR1), (uintptr_t)SIG_IGN);
	CHECK_EQ(action_of(SIGUSR2), (uintptr_t)catch);
	/* Pending signals are each process's own. */
	caught[SIGUSR2] = 0;
	MUST(raise(SIGUSR2));
	CHECK_EQ(caught[SIGUSR2], 1);
	/* A handler that is reset when it runs is reset for both. */
	handle(SIGUSR2, catch, SA_RESETHAND);
	signal(SIGUSR1, SIG_DFL);
}

static int raise_it(void *number)
{
	return raise(*(int *)number);
}

static void reset_for_both(void)
{
	int number = SIGUSR2;

	caught[SIGUSR2] = 0;
	handle(SIGUSR2, catch, SA_RESETHAND);
	CHECK_EQ(run(raise_it, CLONE_VM | CLONE_SIGHAND, &number), 0);
	CHECK_EQ(caught[SIGUSR2], 1);
	CHECK_EQ(action_of(SIGUSR2), (uintptr_t)SIG_DFL);
}

static int sleep_long(void *unused)
{
	(void)unused;
	sleep(100);
	return 0;
}

static void flag_errors(void)
{
	static const int wrong[] = {
	    CLONE_THREAD,
	    CLONE_THREAD | CLONE_VM,
	    CLONE_SIGHAND,
	    CLONE_SIGHAND | CLONE_FILES | CLONE_FS,
	    CLONE_THREAD | CLONE_SIGHAND | CLONE_FILES | CLONE_FS,
	    CLONE_PIDFD | CLONE_PARENT_SETTID,
	    CLONE_PIDFD | 0x00400000 /* CLONE_DETACHED */,
	};
	static const int right[] = {
	    CLONE_FILES,
	    CLONE_FS,
	    CLONE_VM | CLONE_FILES,
	    CLONE_VM | CLONE_FS,
	    CLONE_VM | CLONE_SIGHAND,
	    CLONE_VM | CLONE_SIGHAND | CLONE_FILES,
	    CLONE_VM | CLONE_SIGHAND | CLONE_FS | CLONE_FILES,
	    CLONE_FILES | CLONE_FS | CLONE_SYSVSEM | CLONE_UNTRACED,
	    CLONE_VM | CLONE_VFORK | CLONE_FILES,
	};

	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		long pid = syscall(SYS_clone, wrong[i] | SIGCHLD, 0, BAD, 0, 0);

		if (pid == 0)
			_exit(0);
		if (!CHECK_EQ(pid < 0 ? errno : 0, EINVAL))
			printf("# flags %#x\n", wrong[i]);
	}
	for (size_t i = 0; i < COUNT_OF(right); i++)
		CHECK_EQ(run(change_action, right[i], NULL), 0);
	signal(SIGUSR1, SIG_DFL);
}

/* --- exec -------------------------------------------------------------------------------------- */

static int exec_true(void *unused)
{
	(void)unused;
	execl(self_path(), "clones", "exec-ed", NULL);
	return 99;
}

static void exec_unshares(void)
{
	int kept = open("/dev/null", O_RDONLY), closed = open("/dev/null", O_RDONLY | O_CLOEXEC);

	signal(SIGUSR1, SIG_IGN);
	handle(SIGUSR2, catch, 0);
	CHECK_EQ(run(exec_true, CLONE_FILES, NULL), EXITED(7));
	/* The descriptor that the new program did not get is still open here. */
	CHECK_EQ(fcntl(closed, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(kept, F_GETFD), 0);
	CHECK_EQ(run(exec_true, CLONE_VM | CLONE_SIGHAND | CLONE_FILES | CLONE_FS, NULL), EXITED(7));
	CHECK_EQ(fcntl(closed, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(action_of(SIGUSR2), (uintptr_t)catch);
	CHECK_EQ(run(exec_true, CLONE_VM | CLONE_VFORK | CLONE_SIGHAND, NULL), EXITED(7));
	CHECK_EQ(action_of(SIGUSR2), (uintptr_t)catch);
	CHECK_EQ(action_of(SIGUSR1), (uintptr_t)SIG_IGN);
	close(kept);
	close(closed);
	signal(SIGUSR1, SIG_DFL);
}

/* --- unshare ----------------------------------------------------------------------------------- */

static int unshare_files(void *fd)
{
	if (unshare(CLONE_FILES))
		return 1;
	close(*(int *)fd);
	return 0;
}

static int unshare_directory(void *unused)
{
	(void)unused;
	if (unshare(CLONE_FS))
		return 1;
	umask(0);
	return chdir("/dev") != 0;
}

static int close_all(void *unused)
{
	(void)unused;
	return (int)syscall(SYS_close_range, 3, ~0U, 2 /* CLOSE_RANGE_UNSHARE */);
}

static int close_all_shared(void *unused)
{
	(void)unused;
	return (int)syscall(SYS_close_range, 3, ~0U, 0);
}

static void unsharing(void)
{
	int fd = open("/dev/null", O_RDONLY);
	char path[PATH_MAX];

	if (unshare(0) && errno == ENOSYS)
		SKIP_IF(true, "no unshare()");
	MUST(chdir("/tmp"));
	CHECK_EQ(run(unshare_files, CLONE_FILES, &fd), 0);
	CHECK_EQ(fcntl(fd, F_GETFD), 0);
	CHECK_EQ(run(unshare_directory, CLONE_FS | CLONE_FILES, NULL), 0);
	CHECK(getcwd(path, sizeof(path)) && !strcmp(path, "/tmp"));
	CHECK_EQ(umask(022), 022);
	CHECK_EQ(run(close_all, CLONE_FILES, NULL), 0);
	CHECK_EQ(fcntl(fd, F_GETFD), 0);
	CHECK_EQ(run(close_all_shared, CLONE_FILES, NULL), 0);
	CHECK_ERR(fcntl(fd, F_GETFD), EBADF);
	/* Of one thread, these are its own already. */
	CHECK_EQ(unshare(CLONE_FILES | CLONE_FS | CLONE_SIGHAND | CLONE_VM | CLONE_THREAD), 0);
	CHECK_EQ(unshare(CLONE_SYSVSEM), 0);
	CHECK_ERR(unshare(CLONE_PARENT), EINVAL);
	CHECK_ERR(unshare(1), EINVAL);
}

/* --- Relatives --------------------------------------------------------------------------------- */

static int parent_is(void *pid)
{
	return getppid() != *(pid_t *)pid;
}

static void siblings(void)
{
	pid_t me = getpid(), child;
	pid_t *sibling = map_shared(PAGE);

	child = SPAWN(pid_t mine = getpid(); *sibling = start(parent_is, CLONE_PARENT, &me);
		      CHECK(*sibling > 0 && getpid() == mine);
		      CHECK_ERR(waitpid(*sibling, NULL, __WALL), ECHILD));
	CHECK_EQ(wait_status(child), 0);
	CHECK_EQ(wait_status(*sibling), 0);
	/* It sends the signal of the caller, not one of its own. */
	child = SPAWN(*sibling = start(sleep_long, CLONE_PARENT | SIGUSR2, NULL));
	CHECK_EQ(wait_status(child), 0);
	handle(SIGUSR2, SIG_DFL, 0);
	kill(*sibling, SIGKILL);
	CHECK_EQ(wait_status(*sibling), KILLED(SIGKILL));
}

static void reapers(void)
{
	pid_t *orphan = map_shared(PAGE), me = getpid();
	int is = -1;

	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) && errno == EINVAL)
		SKIP_IF(true, "no subreaper");
	CHECK_EQ(prctl(PR_GET_CHILD_SUBREAPER, &is), 0);
	CHECK_EQ(is, 1);
	CHECK_ERR(prctl(PR_GET_CHILD_SUBREAPER, BAD), EFAULT);
	/* Not inherited. */
	CHECK_EQ(IN_CHILD(CHECK_EQ(prctl(PR_GET_CHILD_SUBREAPER, &is), 0); CHECK_EQ(is, 0)), 0);
	/* The grandchild of a child that ends is ours. */
	CHECK_EQ(IN_CHILD(pid_t middle = getpid(); *orphan = SPAWN(
				  WAIT_UNTIL(getppid() != middle); _exit(getppid() == me ? 5 : 6))),
		 0);
	CHECK_EQ(wait_status(*orphan), EXITED(5));
	/* The nearest reaper adopts. */
	CHECK_EQ(IN_CHILD(pid_t near = getpid(); MUST(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
			  CHECK_EQ(IN_CHILD(pid_t middle = getpid();
					    *orphan = SPAWN(WAIT_UNTIL(getppid() != middle);
							    _exit(getppid() == near ? 5 : 6))),
				   0);
			  CHECK_EQ(wait_status(*orphan), EXITED(5))),
		 0);
	/* A zombie goes to the reaper, too. */
	CHECK_EQ(IN_CHILD(*orphan = SPAWN(_exit(8));
			  MUST(waitid(P_PID, *orphan, NULL, WEXITED | WNOWAIT))),
		 0);
	CHECK_EQ(wait_status(*orphan), EXITED(8));
	CHECK_EQ(prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0), 0);
	CHECK_EQ(prctl(PR_GET_CHILD_SUBREAPER, &is), 0);
	CHECK_EQ(is, 0);
}

/* --- Many ends --------------------------------------------------------------------------------- */

static int open_and_close(void *unused)
{
	(void)unused;
	for (int i = 0; i < 50; i++) {
		int fd = open("/dev/null", O_RDONLY);

		if (fd < 0 || chdir("/dev") || chdir("/"))
			return 1;
		handle(SIGUSR1, catch, 0);
		if (i % 10 == 0 && unshare(CLONE_FILES | CLONE_FS) && errno != ENOSYS)
			return 2;
		close(fd);
	}
	return 0;
}

/* Processes that share and stop sharing at the same time. */
static void many(void)
{
	static const int flags[] = {CLONE_FILES, CLONE_FS, CLONE_FILES | CLONE_FS, 0};

	for (int round = 0; round < 10; round++) {
		pid_t pids[8];

		for (int i = 0; i < 8; i++)
			pids[i] = start(open_and_close, flags[i % 4] | SIGCHLD, NULL);
		for (int i = 0; i < 8; i++)
			CHECK_EQ(wait_status(pids[i]), 0);
	}
}

int main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1)
		return action_of(SIGUSR1) == (uintptr_t)SIG_IGN &&
			       action_of(SIGUSR2) == (uintptr_t)SIG_DFL
			   ? 7
			   : 8;
	check_start();
	RUN(files);
	RUN(directory);
	RUN(actions);
	RUN(reset_for_both);
	RUN(flag_errors);
	RUN(exec_unshares);
	RUN(unsharing);
	RUN(siblings);
	RUN(reapers);
	RUN(many);
	return check_end();
}
