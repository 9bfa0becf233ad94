/* SPDX-License-Identifier: MIT
 *
 * A program of the exercise "runqueue" for the seeded scheduler: three threads take a lock in turn,
 * yield, and add.  The seed has been set before it starts, so chance chooses each switch.
 */
#include <sched.h>

#include "check.h"

#define THREADS 3
#define ROUNDS	12

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long sum;

static void *add(void *unused)
{
	for (int i = 0; i < ROUNDS; i++) {
		pthread_mutex_lock(&lock);
		sum++;
		if (i % 3 == 0)
			sched_yield();
		pthread_mutex_unlock(&lock);
		sched_yield();
	}
	return unused;
}

static void all_come_to_the_end(void)
{
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, add, NULL), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	CHECK_EQ(sum, THREADS * ROUNDS);
}

int main(void)
{
	check_start();
	RUN(all_come_to_the_end);
	return check_failures != 0;
}
