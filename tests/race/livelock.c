/* SPDX-License-Identifier: MIT
 *
 * No progress: a thread waits in a loop for a flag that nobody sets if the other thread was first.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

static atomic_int turn;
static int arrived;

static void *second(void *unused)
{
	(void)unused;
	if (arrived)
		turn = 1;
	return NULL;
}

int main(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, second, NULL);
	arrived = 1;
	while (!turn)
		;
	pthread_join(thread, NULL);
	puts("my turn");
	return 0;
}
