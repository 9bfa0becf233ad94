/* SPDX-License-Identifier: MIT
 *
 * A program of the exercise "cow": threads write while another one forks.  What a thread writes
 * after fork() has returned must never appear in the child, also if the thread runs on another CPU.
 */
#include "check.h"

#define ROUNDS 30

static volatile long *shared;
static atomic_bool stop;

static void *count(void *unused)
{
	while (!stop)
		(*shared)++;
	return unused;
}

/* Reads the counter again and again: for the child it stands still. */
static void stands_still(void)
{
	pthread_t thread;

	shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK_EQ(pthread_create(&thread, NULL, count, NULL), 0);
	for (int round = 0; round < ROUNDS; round++) {
		int status = IN_CHILD({
			long first = *shared;
			for (int i = 0; i < 200000; i++)
				if (*shared != first)
					break;
			CHECK_EQ(*shared, first);
		});
		if (!CHECK_EQ(status, 0))
			break;
	}
	stop = true;
	pthread_join(thread, NULL);
}

int main(void)
{
	check_start();
	RUN(stands_still);
	return check_failures != 0;
}
