/* SPDX-License-Identifier: MIT
 *
 * forkbomb [all|root]: as many processes as may be, each of which forks as well; when all fail,
 * they are killed and reaped, and the system is alive.  Under a limit of 150, unless there are no
 * limits, or the word says to take all that a user may have, or all that root may have.
 */
#include "check.h"

static bool take_all, as_root;

static volatile struct {
	int made, refused, other;
} * counts;

/* Forks until that fails, then sleeps: its children do the same. */
static void bomb(void)
{
	for (;;) {
		pid_t pid = fork();

		if (pid > 0) {
			__atomic_fetch_add(&counts->made, 1, __ATOMIC_RELAXED);
			continue;
		}
		if (pid == 0)
			continue;
		__atomic_fetch_add(errno == EAGAIN || errno == ENOMEM ? &counts->refused
								      : &counts->other,
				   1, __ATOMIC_RELAXED);
		pause();
	}
}

/* If memory runs out, one of the bomb is ended, not the process that judges it. */
static void be_ended_first(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY);

	if (fd >= 0) /* a kernel without extensions ends none */
		CHECK_EQ(write(fd, "500", 3), 3);
	close(fd);
}

static int settled(void)
{
	int before = counts->made + counts->refused;

	sleep_ms(300);
	return counts->refused > 0 && counts->made + counts->refused == before;
}

static void explode(void)
{
	struct rlimit r = {150, 150};
	pid_t root, pid;

	counts = map_shared(PAGE);
	root = SPAWN(MUST(setsid()); be_ended_first();
		     if (!take_all) MUST(setrlimit(RLIMIT_NPROC, &r));
		     if (has_call(SYS_setuid) && !as_root) MUST(setuid(64997)); bomb());
	WAIT_UNTIL(settled() || take_all);
	if (take_all)
		for (int i = 0; i < 100 && !settled(); i++)
			;
	CHECK(counts->made >= 100);
	CHECK_EQ(counts->other, 0);
	/* New ones may still appear between two signals. */
	for (int i = 0; i < 100; i++) {
		if (kill(-root, SIGKILL) < 0)
			break;
		while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
			;
		sleep_ms(10);
	}
	while (wait(NULL) > 0)
		;
	WAIT_UNTIL(kill(-root, 0) < 0);
	CHECK_ERR(kill(-root, 0), ESRCH);
}

static void still_alive(void)
{
	CHECK_EQ(IN_CHILD(_exit(7)), EXITED(7));
}

int main(int argc, char *argv[])
{
	check_start();
	as_root = argc > 1 && strcmp(argv[1], "root") == 0;
	take_all = as_root || !has_call(SYS_prlimit64) || (argc > 1 && strcmp(argv[1], "all") == 0);
	RUN(explode);
	RUN(still_alive);
	return check_end();
}
