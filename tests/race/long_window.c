/* SPDX-License-Identifier: MIT
 *
 * A failure of depth 2 that random schedules seldom find: the reader must be preempted between its
 * two reads for as long as the writer makes all its updates, and the writer must not be preempted.
 */
#include <assert.h>
#include <pthread.h>
#include <stdio.h>

#define UPDATES 12

static int first, last, log_of_updates[UPDATES];

static void *writer(void *unused)
{
	(void)unused;
	for (int i = 0; i < UPDATES; i++) {
		first = i + 1;
		log_of_updates[i] = first;
		last = i + 1;
	}
	return NULL;
}

static void *reader(void *unused)
{
	int begin, end;

	(void)unused;
	begin = last;
	end = first;
	assert(end - begin < UPDATES);
	return NULL;
}

int main(void)
{
	pthread_t a, b;

	pthread_create(&a, NULL, writer, NULL);
	pthread_create(&b, NULL, reader, NULL);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	puts("read");
	return 0;
}
