/* SPDX-License-Identifier: MIT
 *
 * The checks of the exercise `lock-order`: the system calls that take the locks, with the kernel's
 * checker of locks watching.
 */
#include "check.h"

#define FORKS	20
#define SIGNALS 300

static void forks(void)
{
	for (int i = 0; i < FORKS; i++)
		CHECK_EQ(IN_CHILD(_exit(i)), EXITED(i));
}

/* Signals to the group arrive while fork() copies: it gives up, takes them, and begins again. */
static void forks_beside_signals(void)
{
	CHECK_EQ(IN_CHILD({
			 pid_t sender;

			 setpgid(0, 0);
			 handle(SIGUSR1, catch, SA_RESTART);
			 sender = SPAWN({
				 signal(SIGUSR1, SIG_IGN);
				 for (int i = 0; i < SIGNALS; i++) {
					 kill(0, SIGUSR1);
					 usleep(200);
				 }
			 });
			 while (waitpid(sender, NULL, WNOHANG) == 0)
				 CHECK_EQ(IN_CHILD(_exit(5)), EXITED(5));
			 CHECK(caught[SIGUSR1] > 0);
		 }),
		 EXITED(0));
}

static void *fork_often(void *unused)
{
	for (int i = 0; i < FORKS; i++)
		CHECK_EQ(IN_CHILD(_exit(0)), EXITED(0));
	return unused;
}

/* fork(), kill(), exit() and wait() of several threads at once. */
static void all_at_once(void)
{
	pthread_t t[3];

	for (int i = 0; i < 3; i++)
		MUST(-pthread_create(&t[i], NULL, fork_often, NULL));
	for (int i = 0; i < FORKS; i++) {
		pid_t pid = SPAWN(pause());

		kill(pid, SIGTERM);
		CHECK_EQ(wait_status(pid), KILLED(SIGTERM));
	}
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	check_start();
	if (!*name || !strcmp(name, "forks"))
		RUN(forks);
	if (!*name || !strcmp(name, "forks_beside_signals"))
		RUN(forks_beside_signals);
	if (!*name || !strcmp(name, "all_at_once"))
		RUN(all_at_once);
	return check_end();
}
