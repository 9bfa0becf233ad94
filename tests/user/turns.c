/* SPDX-License-Identifier: MIT
 *
 * Threads that sleep and wake each other beside threads that compute: none waits for ever.
 *
 *   turns                    what holds on every system
 *   turns sleep|pair|worker|crowd BUSY MS   one figure in MS milliseconds, on one CPU beside BUSY
 *                                           threads that compute (crowd: BUSY threads beside one)
 */
#include "check.h"

#include <sched.h>

#define MOST 64

static atomic_bool stop;
static long run_ms = 300;

static long clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000 + t.tv_nsec;
}

static void sleep_ns(long ns)
{
	nanosleep(&(struct timespec){.tv_nsec = ns}, NULL);
}

static void compute_ns(long ns)
{
	long end = cpu_ns(CLOCK_THREAD_CPUTIME_ID) + ns;

	while (cpu_ns(CLOCK_THREAD_CPUTIME_ID) < end)
		;
}

static void to_one_cpu(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	MUST(sched_setaffinity(0, sizeof(one), &one));
}

/* --- Threads that compute --------------------------------------------------------------------- */

static struct busy {
	pthread_t thread;
	long ran_ns, longest_ns; /* the longest time without the CPU */
} busy[MOST];
static int busy_count;

static void *compute(void *arg)
{
	struct busy *b = arg;
	long last = clock_ns();

	while (!stop) {
		long now = clock_ns();

		b->longest_ns = now - last > b->longest_ns ? now - last : b->longest_ns;
		last = now;
	}
	b->ran_ns = cpu_ns(CLOCK_THREAD_CPUTIME_ID);
	return NULL;
}

static void begin(int count)
{
	stop = false;
	memset(busy, 0, sizeof(busy));
	for (busy_count = 0; busy_count < count; busy_count++)
		CHECK_EQ(pthread_create(&busy[busy_count].thread, NULL, compute, &busy[busy_count]),
			 0);
}

static void end(void)
{
	stop = true;
	for (int i = 0; i < busy_count; i++)
		pthread_join(busy[i].thread, NULL);
}

/* --- Threads that sleep ----------------------------------------------------------------------- */

static int by_size(const void *a, const void *b)
{
	return *(const long *)a < *(const long *)b ? -1 : *(const long *)a > *(const long *)b;
}

/* How long a sleep of 1 ms takes: microseconds, the median of 20 and the longest. */
static long sleeps(long *longest)
{
	long took[20];

	for (int i = 0; i < 20; i++) {
		long start = clock_ns();

		sleep_ns(1000000);
		took[i] = (clock_ns() - start) / 1000;
	}
	qsort(took, 20, sizeof(*took), by_size);
	*longest = took[19];
	return took[10];
}

/* Two threads that pass a byte to and fro through two pipes. */
static int forth[2], back[2];

static void *answer(void *rounds)
{
	char byte;

	while (read(forth[0], &byte, 1) == 1) {
		++*(long *)rounds;
		if (write(back[1], &byte, 1) != 1)
			break;
	}
	return NULL;
}

static long pair(void)
{
	long end_ns = clock_ns() + run_ms * 1000000, rounds = 0;
	pthread_t other;
	char byte = 0;

	MUST(pipe(forth));
	MUST(pipe(back));
	CHECK_EQ(pthread_create(&other, NULL, answer, &rounds), 0);
	while (clock_ns() < end_ns)
		if (write(forth[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1)
			break;
	close(forth[1]);
	pthread_join(other, NULL);
	close(forth[0]);
	close(back[0]);
	close(back[1]);
	return rounds;
}

/* What a thread gets that works 0.5 ms and sleeps 1 ms: milliseconds. */
static long worker(void)
{
	long end_ns = clock_ns() + run_ms * 1000000, before = cpu_ns(CLOCK_THREAD_CPUTIME_ID);

	while (clock_ns() < end_ns) {
		compute_ns(500000);
		sleep_ns(1000000);
	}
	return (cpu_ns(CLOCK_THREAD_CPUTIME_ID) - before) / 1000000;
}

/* A crowd whose threads work a little and sleep a little, so that one of them is always ready. */
static long crowd_ns[MOST];

static void *work_and_sleep(void *ran_ns)
{
	while (!stop) {
		compute_ns(200000);
		sleep_ns(50000);
	}
	*(long *)ran_ns = cpu_ns(CLOCK_THREAD_CPUTIME_ID);
	return NULL;
}

/* Lets a crowd run beside the threads that compute, and ends both.  What the crowd had, in ms. */
static long crowd(int count)
{
	pthread_t threads[MOST];
	long sum = 0;

	for (int i = 0; i < count; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, work_and_sleep, &crowd_ns[i]), 0);
	sleep_ns(run_ms % 1000 * 1000000);
	sleep(run_ms / 1000);
	end();
	for (int i = 0; i < count; i++) {
		pthread_join(threads[i], NULL);
		sum += crowd_ns[i];
	}
	return sum / 1000000;
}

static long busy_ms(void)
{
	long sum = 0;

	for (int i = 0; i < busy_count; i++)
		sum += busy[i].ran_ns;
	return sum / 1000000;
}

/* --- What holds everywhere -------------------------------------------------------------------- */

/* One that starves does so each time.  On a busy machine one of these times may be too short for
 * all to have a turn; or the CPU stands still, which counts as time of the thread that has it. */
#define TRIES 10

/* Twelve threads that sleep again and again leave one that computes its share: a thirteenth, and
 * half of that is asked for. */
static void a_crowd_starves_none(void)
{
	bool has_its_share = false;

	for (int i = 0; i < TRIES && !has_its_share; i++) {
		long crowd_ms;

		begin(1);
		crowd_ms = crowd(12);
		has_its_share = busy_ms() > crowd_ms / 24;
	}
	CHECK(has_its_share);
}

/* Two that wake each other leave a third its share, and it leaves them theirs. */
static void a_pair_starves_none(void)
{
	bool has_its_share = false;

	for (int i = 0; i < TRIES && !has_its_share; i++) {
		long before = cpu_ns(CLOCK_PROCESS_CPUTIME_ID), rounds, all_ms;

		begin(1);
		rounds = pair();
		end();
		all_ms = (cpu_ns(CLOCK_PROCESS_CPUTIME_ID) - before) / 1000000;
		has_its_share = rounds > 0 && busy_ms() > all_ms / 20;
	}
	CHECK(has_its_share);
}

static void figure(const char *name, int count, long ms)
{
	long longest = 0, got;

	run_ms = ms;
	to_one_cpu();
	begin(strcmp(name, "crowd") == 0 ? 1 : count);
	sleep_ns(50000000);
	if (strcmp(name, "sleep") == 0) {
		got = sleeps(&longest);
		end();
		printf("sleep: median %ld us, longest %ld us\n", got, longest);
	} else if (strcmp(name, "pair") == 0) {
		got = pair();
		end();
		printf("pair: %ld rounds, others %ld ms\n", got, busy_ms());
	} else if (strcmp(name, "worker") == 0) {
		got = worker();
		end();
		printf("worker: %ld ms, others %ld ms\n", got, busy_ms());
	} else {
		got = crowd(count * busy_count);
		for (int i = 0; i < busy_count; i++)
			longest = busy[i].longest_ns > longest ? busy[i].longest_ns : longest;
		printf("crowd: %ld ms, others %ld ms, longest wait %ld us\n", got, busy_ms(),
		       longest / 1000);
	}
}

int main(int argc, char *argv[])
{
	if (argc == 4) {
		figure(argv[1], atoi(argv[2]), atol(argv[3]));
		return check_failures != 0;
	}
	to_one_cpu();
	RUN(a_crowd_starves_none);
	RUN(a_pair_starves_none);
	return check_failures != 0;
}
