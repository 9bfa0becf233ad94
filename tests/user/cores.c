/* SPDX-License-Identifier: MIT
 *
 * cores ROUNDS: how often two busy threads run on CPUs of one core, although another core is idle.
 * Only with SMT (-smp 4,cores=2,threads=2), and on a machine that is idle otherwise: no test for
 * run_all, but for tests/system/test_topology.py.
 */
#include <sched.h>

#include "check.h"

#define CPUS 64

static int core_of[CPUS]; /* the lowest CPU of the same core */
static atomic_int arrived, stop;
static _Atomic int where[2];

static void read_cores(void)
{
	for (int cpu = 0; cpu < CPUS; cpu++) {
		char path[96];
		FILE *f;

		snprintf(path, sizeof(path),
			 "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", cpu);
		f = fopen(path, "r");
		if (!f)
			return;
		MUST(fscanf(f, "%d", &core_of[cpu]) - 1);
		fclose(f);
	}
}

/* Tell on which CPU we are while the other thread is busy, too. */
static void meet(int who, int round)
{
	int cpu = sched_getcpu();

	where[who] = cpu;
	arrived++;
	while (arrived < 2 * (round + 1))
		;
}

static bool share_a_core(void)
{
	return core_of[where[0]] == core_of[where[1]];
}

static void *new_thread(void *round)
{
	meet(1, (int)(long)round);
	while (!stop)
		;
	return NULL;
}

/* A busy thread and the one that it has just created. */
static int shared_when_created(int rounds)
{
	struct timespec pause = {.tv_nsec = 1000000};
	int shared = 0;

	arrived = 0;
	for (int i = 0; i < rounds; i++) {
		pthread_t t;

		stop = 0;
		MUST(pthread_create(&t, NULL, new_thread, (void *)(long)i));
		meet(0, i);
		shared += share_a_core();
		stop = 1;
		pthread_join(t, NULL);
		nanosleep(&pause, NULL);
	}
	return shared;
}

static int rounds_awake, shared_awake;

static void *sleeper(void *who)
{
	struct timespec pause = {.tv_nsec = 2000000};

	for (int i = 0; i < rounds_awake; i++) {
		nanosleep(&pause, NULL);
		meet((int)(long)who, 2 * i);
		shared_awake += !who && share_a_core();
		meet((int)(long)who, 2 * i + 1); /* `where` stays until both are here */
	}
	return NULL;
}

/* Two threads that sleep and wake at about the same time. */
static int shared_when_woken(int rounds)
{
	pthread_t threads[2];

	arrived = 0;
	rounds_awake = rounds;
	for (long i = 0; i < 2; i++)
		MUST(pthread_create(&threads[i], NULL, sleeper, (void *)i));
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	return shared_awake;
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 100;

	read_cores();
	printf("created: one core %d times of %d\n", shared_when_created(rounds), rounds);
	printf("woken: one core %d times of %d\n", shared_when_woken(rounds), rounds);
	return 0;
}
