/* SPDX-License-Identifier: MIT
 *
 * What the kernel keeps for a thread without using it: its personality and the slack of its timers.
 */
#include <sys/personality.h>
#include <sys/prctl.h>

#include "check.h"

#define QUERY	 0xffffffff
#define SLACK_NS 50000

/* In a thread that the main thread started while its own values were these. */
static void *inherited(void *nothing)
{
	CHECK_EQ(personality(QUERY), ADDR_NO_RANDOMIZE);
	CHECK_EQ(prctl(PR_GET_TIMERSLACK), 7000);
	/* Each thread has its own. */
	CHECK_EQ(personality(0), ADDR_NO_RANDOMIZE);
	CHECK_EQ(prctl(PR_SET_TIMERSLACK, 9000), 0);
	CHECK_EQ(prctl(PR_GET_TIMERSLACK), 9000);
	CHECK_EQ(prctl(PR_SET_TIMERSLACK, 0), 0);
	CHECK_EQ(prctl(PR_GET_TIMERSLACK), 7000);
	return nothing;
}

static void personalities(void)
{
	CHECK_EQ(personality(QUERY), 0);
	CHECK_EQ(personality(ADDR_NO_RANDOMIZE | STICKY_TIMEOUTS), 0);
	CHECK_EQ(personality(QUERY), ADDR_NO_RANDOMIZE | STICKY_TIMEOUTS);
	CHECK_EQ(IN_CHILD(CHECK_EQ(personality(QUERY), ADDR_NO_RANDOMIZE | STICKY_TIMEOUTS);
			  CHECK_EQ(personality(PER_BSD), ADDR_NO_RANDOMIZE | STICKY_TIMEOUTS)),
		 0);
	CHECK_EQ(personality(0), ADDR_NO_RANDOMIZE | STICKY_TIMEOUTS);
}

static void slack(void)
{
	pthread_t t;

	CHECK_EQ(prctl(PR_GET_TIMERSLACK), SLACK_NS);
	CHECK_EQ(prctl(PR_SET_TIMERSLACK, 7000), 0);
	CHECK_EQ(prctl(PR_GET_TIMERSLACK), 7000);
	CHECK_EQ(personality(ADDR_NO_RANDOMIZE), 0);
	CHECK_EQ(pthread_create(&t, NULL, inherited, NULL), 0);
	CHECK_EQ(pthread_join(t, NULL), 0);
	CHECK_EQ(personality(QUERY), ADDR_NO_RANDOMIZE);
	CHECK_EQ(prctl(PR_GET_TIMERSLACK), 7000);
	CHECK_EQ(IN_CHILD(CHECK_EQ(prctl(PR_GET_TIMERSLACK), 7000);
			  CHECK_EQ(prctl(PR_SET_TIMERSLACK, 1), 0);
			  CHECK_EQ(prctl(PR_SET_TIMERSLACK, 0), 0);
			  CHECK_EQ(prctl(PR_GET_TIMERSLACK), 7000)),
		 0);
	CHECK_EQ(prctl(PR_SET_TIMERSLACK, 0), 0);
	CHECK_EQ(prctl(PR_GET_TIMERSLACK), SLACK_NS);
	CHECK_EQ(personality(0), ADDR_NO_RANDOMIZE);
}

/* execve() keeps both: the program that runs is this one, with an argument. */
static void over_exec(void)
{
	CHECK_EQ(IN_CHILD(CHECK_EQ(personality(ADDR_NO_RANDOMIZE), 0);
			  CHECK_EQ(prctl(PR_SET_TIMERSLACK, 7000), 0);
			  execl(self_path(), self_path(), "child", NULL)),
		 0);
}

static int in_new_program(void)
{
	return personality(QUERY) == ADDR_NO_RANDOMIZE && prctl(PR_GET_TIMERSLACK) == 7000 ? 0 : 1;
}

static void file_of_the_personality(void)
{
	char text[16] = "";
	int file;

	SKIP_IF(!has_proc(), "no /proc");
	CHECK_EQ(personality(ADDR_NO_RANDOMIZE), 0);
	file = open("/proc/self/personality", O_RDONLY);
	CHECK_EQ(read(file, text, sizeof(text)), 9);
	CHECK_EQ(strcmp(text, "00040000\n"), 0);
	close(file);
	CHECK_EQ(personality(0), ADDR_NO_RANDOMIZE);
}

int main(int argc, char *argv[])
{
	(void)argv;
	if (argc > 1)
		return in_new_program();
	check_start();
	personality(0); /* whatever the starter set, as setarch or gdb do */
	prctl(PR_SET_TIMERSLACK, SLACK_NS);
	RUN(personalities);
	RUN(slack);
	RUN(over_exec);
	RUN(file_of_the_personality);
	return check_end();
}
