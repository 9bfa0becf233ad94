/* SPDX-License-Identifier: MIT
 *
 * A program that is right: a queue with one place, under a mutex and two condition variables.
 */
#include <assert.h>
#include <pthread.h>
#include <stdio.h>

#define ITEMS 3

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t filled = PTHREAD_COND_INITIALIZER, emptied = PTHREAD_COND_INITIALIZER;
static int place; /* 0: empty */

static void *produce(void *unused)
{
	(void)unused;
	for (int i = 1; i <= ITEMS; i++) {
		pthread_mutex_lock(&lock);
		while (place)
			pthread_cond_wait(&emptied, &lock);
		place = i;
		pthread_cond_signal(&filled);
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

int main(void)
{
	pthread_t producer;

	pthread_create(&producer, NULL, produce, NULL);
	for (int i = 1; i <= ITEMS; i++) {
		pthread_mutex_lock(&lock);
		while (!place)
			pthread_cond_wait(&filled, &lock);
		assert(place == i);
		place = 0;
		pthread_cond_signal(&emptied);
		pthread_mutex_unlock(&lock);
	}
	pthread_join(producer, NULL);
	puts("3 items, in order");
	return 0;
}
