/* SPDX-License-Identifier: MIT
 *
 * For gcc.sh, which compiles it in the guest: threads with a mutex, a condition and a barrier.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { THREADS = 4, ROUNDS = 10000 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turn_came = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static _Thread_local long own;
static atomic_long shared;
static long guarded;
static int turn;

static void *run(void *argument)
{
	long number = (long)argument;

	for (int i = 0; i < ROUNDS; i++) {
		own++;
		shared++;
		pthread_mutex_lock(&lock);
		guarded++;
		pthread_mutex_unlock(&lock);
	}
	pthread_barrier_wait(&barrier);
	pthread_mutex_lock(&lock);
	while (turn != number)
		pthread_cond_wait(&turn_came, &lock);
	printf("thread %ld: own %ld, shared %ld, guarded %ld\n", number, own, shared, guarded);
	turn++;
	pthread_cond_broadcast(&turn_came);
	pthread_mutex_unlock(&lock);
	return (void *)(number * number);
}

int main(void)
{
	pthread_t threads[THREADS];
	long sum = 0;

	pthread_barrier_init(&barrier, NULL, THREADS);
	for (long i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, run, (void *)i))
			return 1;
	for (int i = 0; i < THREADS; i++) {
		void *result;

		pthread_join(threads[i], &result);
		sum += (long)result;
	}
	printf("sum %ld\n", sum);
	return 0;
}
