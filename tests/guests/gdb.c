/* SPDX-License-Identifier: MIT
 *
 * For gdb.sh: threads that a debugger can stop at known places.
 */
#include <pthread.h>
#include <stdio.h>

int counter;
pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

__attribute__((noinline)) int work(int number)
{
	pthread_mutex_lock(&lock);
	counter += number;
	pthread_mutex_unlock(&lock);
	return number;
}

static void *thread(void *number)
{
	return (void *)(long)work((int)(long)number);
}

int main(void)
{
	pthread_t threads[3];

	for (long i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, thread, (void *)(i + 1));
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	printf("counter %d\n", counter);
	return counter;
}
