/* SPDX-License-Identifier: MIT
 *
 * A lost wake-up: the consumer tests the flag before it has the lock, so the signal can come
 * between the test and the wait.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool full;

static void *consume(void *unused)
{
	(void)unused;
	if (!full) {
		pthread_mutex_lock(&lock);
		pthread_cond_wait(&changed, &lock);
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

static void *produce(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&lock);
	full = true;
	pthread_cond_signal(&changed);
	pthread_mutex_unlock(&lock);
	return NULL;
}

int main(void)
{
	pthread_t consumer, producer;

	pthread_create(&consumer, NULL, consume, NULL);
	pthread_create(&producer, NULL, produce, NULL);
	pthread_join(consumer, NULL);
	pthread_join(producer, NULL);
	puts("done");
	return 0;
}
