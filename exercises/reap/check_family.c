/* SPDX-License-Identifier: MIT
 *
 * Checks of the exercise `reap`: what becomes of processes that have ended, and of their children.
 * It runs as process 1, which is the parent of all orphans, and needs no parent that waits for it.
 * It never sleeps in wait() itself: what may never end happens in a child, which it watches.
 *
 *   family [TEST...]    without names, all
 */
#include <sys/prctl.h>

#include "check.h"

#define PATIENCE_MS 4000 /* each wait below ends within milliseconds if all is right */

static volatile struct {
	pid_t pid, parent;
	int status, error, done, signals;
} * seen;

static void begin(void)
{
	memset((void *)seen, 0, sizeof(*seen));
	fflush(stdout);
}

#define BECOMES(condition)                                                                         \
	({                                                                                         \
		long end_ = now_ms() + PATIENCE_MS;                                                \
		bool is_ = false;                                                                  \
		while (!(is_ = (condition)) && now_ms() < end_)                                    \
			sleep_ms(1);                                                               \
		if (!is_)                                                                          \
			check_fail(__FILE__, __LINE__, #condition, "is", 0, 1);                    \
	})

/* Collect this child without sleeping; its status, or -1 if it is not reported. */
static int collect(pid_t pid)
{
	long end = now_ms() + PATIENCE_MS;
	int status = -1;
	pid_t got;

	do {
		got = waitpid(pid, &status, WNOHANG);
		if (got)
			return got == pid ? status & ~0x80 : -1;
		sleep_ms(1);
	} while (now_ms() < end);
	return -1;
}

/* End a helper that may hang, and whatever else is still there. */
static void clear(pid_t pid)
{
	if (pid > 0)
		kill(pid, SIGKILL);
	for (int i = 0; i < 20; i++) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		sleep_ms(1);
	}
}

/* --- The zombie and its parent ------------------------------------------------------------------
 */

/* An ended child keeps its PID and its status until the parent asks, and is reported once. */
static void zombie_stays(void)
{
	pid_t pid;

	begin();
	pid = SPAWN(seen->done = 1; _exit(7));
	BECOMES(seen->done);
	sleep_ms(50);
	CHECK_EQ(kill(pid, 0), 0);
	CHECK_EQ(collect(pid), EXITED(7));
	CHECK_ERR(waitpid(pid, NULL, WNOHANG), ECHILD);
	CHECK_ERR(kill(pid, 0), ESRCH);
	clear(0);
}

/* A parent that sleeps in wait() is woken when its child ends. */
static void parent_is_woken(void)
{
	pid_t pid;

	begin();
	pid = SPAWN(int status = -1; pid_t child = SPAWN(sleep_ms(30); _exit(9)); seen->pid = child;
		    seen->error = waitpid(child, &status, 0) != child; seen->status = status;
		    seen->done = 1);
	BECOMES(seen->done);
	CHECK_EQ(seen->error, 0);
	CHECK_EQ(seen->status, EXITED(9));
	clear(pid);
}

static void parent_gets_sigchld(void)
{
	pid_t pid;

	begin();
	caught[SIGCHLD] = 0;
	handle(SIGCHLD, catch, 0);
	pid = SPAWN(_exit(0));
	BECOMES(caught[SIGCHLD] == 1);
	CHECK_EQ(collect(pid), EXITED(0));
	handle(SIGCHLD, SIG_DFL, 0);
	clear(0);
}

/* wait() for any child finds the one that has ended, although an older one still runs. */
static void ended_child_is_found(void)
{
	pid_t older, younger;

	begin();
	older = SPAWN(for (;;) pause());
	younger = SPAWN(seen->done = 1; _exit(5));
	BECOMES(seen->done);
	BECOMES((seen->pid = waitpid(-1, (int *)&seen->status, WNOHANG)) != 0);
	CHECK_EQ(seen->pid, younger);
	CHECK_EQ(seen->status, EXITED(5));
	kill(older, SIGKILL);
	CHECK_EQ(collect(older), KILLED(SIGKILL));
	clear(0);
}

/* The parent of vfork() sleeps until the child has ended. */
static void vfork_parent_is_woken(void)
{
	pid_t pid;

	begin();
	pid = SPAWN(pid_t child = vfork(); if (child == 0) _exit(4); seen->pid = child;
		    seen->done = 1; for (;;) pause());
	BECOMES(seen->done);
	CHECK(seen->pid > 0);
	clear(pid);
}

/* A parent that ignores SIGCHLD will not wait: the kernel reaps its children. */
static void ignored_child_is_reaped(void)
{
	pid_t pid;

	begin();
	handle(SIGCHLD, SIG_IGN, 0);
	pid = SPAWN(_exit(1));
	BECOMES(kill(pid, 0) == -1);
	CHECK_ERR(waitpid(pid, NULL, WNOHANG), ECHILD);
	handle(SIGCHLD, SIG_DFL, 0);
	clear(0);
}

/* --- Orphans ------------------------------------------------------------------------------------
 */

/* A child that outlives its parent becomes a child of process 1. */
static void orphan_goes_to_init(void)
{
	pid_t middle;

	begin();
	middle = SPAWN(pid_t orphan = SPAWN(while (getppid() != 1 && getppid() != seen->parent &&
						   !seen->error) sleep_ms(1);
					    seen->done = 1; _exit(6));
		       seen->pid = orphan; _exit(0));
	seen->parent = getpid();
	CHECK_EQ(collect(middle), EXITED(0));
	BECOMES(seen->done);
	seen->error = 1;
	CHECK_EQ(collect(seen->pid), EXITED(6));
	clear(0);
}

/* So does a zombie, and process 1 is told. */
static void zombie_goes_to_init(void)
{
	pid_t middle;

	begin();
	middle = SPAWN(pid_t child = SPAWN(seen->done = 1; _exit(8)); seen->pid = child;
		       while (!seen->done) sleep_ms(1); sleep_ms(30); _exit(0));
	CHECK_EQ(collect(middle), EXITED(0));
	CHECK_EQ(collect(seen->pid), EXITED(8));
	CHECK_ERR(kill(seen->pid, 0), ESRCH);
	clear(0);
}

/* A zombie whose new parent ignores SIGCHLD is reaped at once. */
static void handed_over_zombie_is_reaped(void)
{
	pid_t middle;

	begin();
	handle(SIGCHLD, SIG_IGN, 0);
	middle = SPAWN(handle(SIGCHLD, SIG_DFL, 0); pid_t child = SPAWN(seen->done = 1; _exit(8));
		       seen->pid = child; while (!seen->done) sleep_ms(1); sleep_ms(30);
		       seen->error = kill(child, 0); _exit(0));
	BECOMES(kill(middle, 0) == -1);
	CHECK_EQ(seen->error, 0); /* until then it was a zombie of its parent */
	BECOMES(kill(seen->pid, 0) == -1);
	handle(SIGCHLD, SIG_DFL, 0);
	clear(0);
}

/* The child has asked for a signal at its parent's end. */
static void orphan_gets_its_signal(void)
{
	pid_t middle;

	begin();
	middle = SPAWN(pid_t child = SPAWN(MUST(prctl(PR_SET_PDEATHSIG, SIGTERM)); seen->done = 1;
					   for (;;) pause());
		       seen->pid = child; while (!seen->done) sleep_ms(1); _exit(0));
	CHECK_EQ(collect(middle), EXITED(0));
	CHECK_EQ(collect(seen->pid), KILLED(SIGTERM));
	clear(seen->pid);
}

/* A stopped process whose group has become orphaned is hung up: no shell could continue it. */
static void stopped_orphan_is_hung_up(void)
{
	pid_t middle;

	begin();
	middle =
	    SPAWN(setsid(); pid_t child = SPAWN(setpgid(0, 0); seen->done = 1; raise(SIGSTOP);
						for (;;) pause());
		  seen->pid = child; while (!seen->done) sleep_ms(1);
		  while (waitpid(child, NULL, WUNTRACED | WNOHANG) != child) sleep_ms(1); _exit(0));
	CHECK_EQ(collect(middle), EXITED(0));
	CHECK_EQ(collect(seen->pid), KILLED(SIGHUP));
	clear(seen->pid);
}

/* --- What is left --------------------------------------------------------------------------------
 */

static void *nothing(void *arg)
{
	return arg;
}

/* Families on all CPUs: each child makes a thread and a grandchild, and does not wait for the
 * latter. */
static void many_families(void)
{
	pid_t makers[4];

	begin();
	for (int m = 0; m < 4; m++)
		makers[m] = SPAWN(for (int i = 0; i < 25; i++) {
			pid_t child = SPAWN(pthread_t t; pthread_create(&t, NULL, nothing, NULL);
					    pthread_join(t, NULL); SPAWN(_exit(1)); _exit(i));
			if (collect(child) != EXITED(i))
				_exit(100 + i);
			__atomic_fetch_add(&seen->done, 1, __ATOMIC_SEQ_CST);
		});
	for (int done = -1; seen->done > done && seen->done < 100;) { /* while it goes on */
		done = seen->done;
		for (int i = 0; i < 3000 && seen->done == done; i++)
			sleep_ms(1);
	}
	CHECK_EQ(seen->done, 100);
	for (int m = 0; m < 4; m++) {
		CHECK_EQ(collect(makers[m]), 0);
		kill(makers[m], SIGKILL);
	}
	clear(0);
}

/* Objects in all slab caches and frames of kernel stacks that are in use.  0: not Heddle. */
static long kernel_objects(void)
{
	FILE *slabs = fopen("/proc/heddle/slab", "r");
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);
	char name[32];
	long value, sum = 0;

	if (fd >= 0) {
		(void)!write(fd, "1\n", 2);
		close(fd);
	}
	while (slabs && fscanf(slabs, "%31s %ld %*[^\n]", name, &value) == 2)
		sum += value;
	if (slabs)
		fclose(slabs);
	return sum;
}

/* 200 children leave no structure behind: less than one for every second of them. */
static void nothing_is_left(void)
{
	long before, after = 0;

	begin();
	for (int i = 0; i < 20; i++)
		CHECK_EQ(collect(SPAWN(_exit(i))), EXITED(i));
	before = kernel_objects();
	for (int i = 0; i < 200; i++)
		CHECK_EQ(collect(SPAWN(_exit(i))), EXITED(i));
	for (int i = 0; i < 500 && (after = kernel_objects()) >= before + 100; i++)
		sleep_ms(2);
	printf("# 200 children: %ld objects more\n", after - before > 0 ? after - before : 0);
	CHECK(after < before + 100);
}

int main(int argc, char *argv[])
{
	check_start();
	if (getpid() != 1)
		prctl(PR_SET_CHILD_SUBREAPER, 1);
	seen = map_shared(sizeof(*seen));
	RUN_NAMED(zombie_stays);
	RUN_NAMED(parent_is_woken);
	RUN_NAMED(parent_gets_sigchld);
	RUN_NAMED(ended_child_is_found);
	RUN_NAMED(vfork_parent_is_woken);
	RUN_NAMED(ignored_child_is_reaped);
	RUN_NAMED(orphan_goes_to_init);
	RUN_NAMED(zombie_goes_to_init);
	RUN_NAMED(handed_over_zombie_is_reaped);
	RUN_NAMED(orphan_gets_its_signal);
	RUN_NAMED(stopped_orphan_is_hung_up);
	RUN_NAMED(many_families);
	RUN_NAMED(nothing_is_left);
	return check_end();
}
