/* SPDX-License-Identifier: MIT
 *
 * Programs of the exercise "switch": what belongs to a thread or a process in user mode stays with
 * it over a switch: thread-local storage (the FS base), memory (the page-table root), the kernel
 * stack.
 */
#include <sched.h>

#include "check.h"

#define THREADS 4
#define YIELDS	300

static __thread long mine;
static atomic_long wrong;

static void *use_storage(void *arg)
{
	mine = (long)arg;
	for (int i = 0; i < YIELDS; i++) {
		sched_yield();
		if (mine != (long)arg)
			wrong++;
	}
	return NULL;
}

/* Threads of one process on one CPU: each has its own FS base. */
static void thread_storage(void)
{
	pthread_t threads[THREADS];
	cpu_set_t all = check_use_one_cpu();

	for (long i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, use_storage, (void *)(i + 1)), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	CHECK_EQ(wrong, 0);
	check_use_cpus(&all);
}

/* Processes on one CPU that write different values to one address. */
static void own_memory(void)
{
	static volatile long value;
	cpu_set_t all = check_use_one_cpu();
	pid_t children[THREADS];

	for (int i = 0; i < THREADS; i++)
		children[i] = SPAWN({
			value = i + 1;
			for (int n = 0; n < YIELDS; n++) {
				sched_yield();
				if (!CHECK_EQ(value, i + 1))
					break;
			}
		});
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(wait_status(children[i]), 0);
	CHECK_EQ(value, 0);
	check_use_cpus(&all);
}

static void *sleep_in_kernel(void *arg)
{
	int *ends = arg;
	char c = 0;

	for (int i = 0; i < YIELDS; i++)
		if (read(ends[0], &c, 1) != 1 || write(ends[3], &c, 1) != 1)
			wrong++;
	return NULL;
}

/* Two threads that sleep in system calls at the same time: each has its own kernel stack. */
static void system_calls(void)
{
	int ends[4];
	pthread_t thread;
	char c = 'x';

	wrong = 0;
	MUST(pipe(ends));
	MUST(pipe(ends + 2));
	CHECK_EQ(pthread_create(&thread, NULL, sleep_in_kernel, ends), 0);
	for (int i = 0; i < YIELDS; i++)
		if (write(ends[1], &c, 1) != 1 || read(ends[2], &c, 1) != 1 || c != 'x')
			wrong++;
	pthread_join(thread, NULL);
	CHECK_EQ(wrong, 0);
}

int main(void)
{
	check_start();
	RUN(thread_storage);
	RUN(own_memory);
	RUN(system_calls);
	return check_failures != 0;
}
