/* SPDX-License-Identifier: MIT
 *
 * /proc/PID/task: each thread once, also while threads come and go, and at a cost that grows with
 * their number only.
 */
#include <dirent.h>
#include <pthread.h>
#include <semaphore.h>

#include "check.h"

#define FEW	200
#define MANY	(4 * FEW)
#define TID_MAX 4194304

static unsigned char seen[TID_MAX / 8];
static sem_t end;
static pthread_t threads[MANY];

static void *wait_for_end(void *unused)
{
	while (sem_wait(&end) < 0)
		;
	return unused;
}

static void start(int n)
{
	pthread_attr_t small;

	sem_init(&end, 0, 0);
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 16384);
	for (int i = 0; i < n; i++)
		CHECK_EQ(pthread_create(&threads[i], &small, wait_for_end, NULL), 0);
}

static void stop(int n)
{
	for (int i = 0; i < n; i++)
		sem_post(&end);
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
}

/* How many threads are listed; -1 if one is listed twice. */
static int listed(void)
{
	DIR *d = opendir("/proc/self/task");
	struct dirent *e;
	int n = 0;

	memset(seen, 0, sizeof(seen));
	while (d && (e = readdir(d))) {
		int tid = atoi(e->d_name);

		if (e->d_name[0] == '.')
			continue;
		if (tid < 1 || tid >= TID_MAX || seen[tid / 8] & 1 << tid % 8) {
			n = -1;
			break;
		}
		seen[tid / 8] |= (unsigned char)(1 << tid % 8);
		n++;
	}
	closedir(d);
	return n;
}

static void each_once(void)
{
	char path[300];
	DIR *d;
	struct dirent *e;

	SKIP_IF(!has_proc(), "no /proc");
	CHECK_EQ(listed(), 1);
	start(FEW);
	CHECK_EQ(listed(), FEW + 1);
	d = opendir("/proc/self/task");
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/self/task/%s/comm", e->d_name);
		CHECK_EQ(access(path, R_OK), 0);
		snprintf(path, sizeof(path), "/proc/1/task/%s", e->d_name);
		CHECK_ERR(access(path, F_OK), ENOENT);
	}
	closedir(d);
	stop(FEW);
	WAIT_UNTIL(listed() == 1);
}

static void *nothing(void *unused)
{
	return unused;
}

/* The directory is read to its end while the thread that was read last ends. */
static void while_they_end(void)
{
	pthread_t t;

	SKIP_IF(!has_proc(), "no /proc");
	start(50);
	for (int round = 0; round < 200; round++) {
		int n;

		CHECK_EQ(pthread_create(&t, NULL, nothing, NULL), 0);
		n = listed();
		CHECK(n == 51 || n == 52);
		pthread_join(t, NULL);
		/* The thread that joins may go on before the other has left the kernel. */
		WAIT_UNTIL(listed() == 51);
	}
	stop(50);
}

/* CPU time of five listings. */
static long cost_us(int wanted)
{
	long begin = cpu_ns(CLOCK_PROCESS_CPUTIME_ID);

	for (int i = 0; i < 5; i++)
		CHECK_EQ(listed(), wanted);
	return (cpu_ns(CLOCK_PROCESS_CPUTIME_ID) - begin) / 1000;
}

/* For tests/system/test_scale.py, in a machine whose clock counts instructions. */
static void print_costs(void)
{
	start(FEW);
	printf("%d threads: %ld us\n", FEW, cost_us(FEW + 1));
	stop(FEW);
	WAIT_UNTIL(listed() == 1);
	start(MANY);
	printf("%d threads: %ld us\n", MANY, cost_us(MANY + 1));
	stop(MANY);
}

int main(int argc, char *argv[])
{
	if (argc > 1 && strcmp(argv[1], "cost") == 0) {
		print_costs();
		return 0;
	}
	RUN(each_once);
	RUN(while_they_end);
	return check_end();
}
