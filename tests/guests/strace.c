/* SPDX-License-Identifier: MIT
 *
 * For strace.sh: eight threads that wait for one another.
 */
#include <pthread.h>
#include <stdio.h>

enum { THREADS = 8 };

static pthread_barrier_t barrier;

static void *run(void *argument)
{
	for (int i = 0; i < 5; i++)
		pthread_barrier_wait(&barrier);
	return argument;
}

int main(void)
{
	pthread_t threads[THREADS];

	pthread_barrier_init(&barrier, NULL, THREADS);
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, run, NULL))
			return 1;
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	puts("joined");
	return 0;
}
