/* SPDX-License-Identifier: MIT
 *
 * A deadlock of three locks: three philosophers, each of which takes the left fork first.
 */
#include <pthread.h>
#include <stdio.h>

#define PHILOSOPHERS 3

static pthread_mutex_t fork_of[PHILOSOPHERS];
static int meals[PHILOSOPHERS];

static void *dine(void *argument)
{
	long me = (long)argument;

	pthread_mutex_lock(&fork_of[me]);
	pthread_mutex_lock(&fork_of[(me + 1) % PHILOSOPHERS]);
	meals[me]++;
	pthread_mutex_unlock(&fork_of[(me + 1) % PHILOSOPHERS]);
	pthread_mutex_unlock(&fork_of[me]);
	return NULL;
}

int main(void)
{
	pthread_t threads[PHILOSOPHERS];

	for (int i = 0; i < PHILOSOPHERS; i++)
		pthread_mutex_init(&fork_of[i], NULL);
	for (long i = 0; i < PHILOSOPHERS; i++)
		pthread_create(&threads[i], NULL, dine, (void *)i);
	for (int i = 0; i < PHILOSOPHERS; i++)
		pthread_join(threads[i], NULL);
	puts("all have eaten");
	return 0;
}
