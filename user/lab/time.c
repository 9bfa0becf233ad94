/* SPDX-License-Identifier: MIT
 *
 * Clocks, CPUs, a loop that only computes, and pseudo-random numbers.
 */
#include "internal.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

uint64_t lab_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

uint64_t lab_cycles(void)
{
#ifdef __x86_64__
	uint32_t low, high;

	/* LFENCE waits until all earlier instructions have completed (Intel SDM, RDTSC). */
	__asm__ volatile("lfence\n\trdtsc" : "=a"(low), "=d"(high)::"memory");
	return (uint64_t)high << 32 | low;
#else
	return lab_now_ns();
#endif
}

double lab_cycles_per_ns(void)
{
	static double rate;

	if (rate == 0) {
		uint64_t ns = lab_now_ns(), cycles = lab_cycles(), end_ns, end_cycles;

		do {
			end_ns = lab_now_ns();
			end_cycles = lab_cycles();
		} while (end_ns - ns < 10 * 1000 * 1000);
		rate = (double)(end_cycles - cycles) / (end_ns - ns);
	}
	return rate;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double lab_median(double *values, int count)
{
	if (count <= 0)
		return 0;
	qsort(values, count, sizeof(*values), compare);
	return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

double lab_low_quartile(double *values, int count)
{
	if (count <= 0)
		return 0;
	qsort(values, count, sizeof(*values), compare);
	return values[count / 4];
}

/* SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014. */
uint64_t lab_random(uint64_t *state)
{
	uint64_t x = *state += 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

static cpu_set_t allowed;

int cpus_limit(int count)
{
	int kept = 0;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) < 0)
		lab_die("sched_getaffinity: %s", strerror(errno));
	if (count == 0)
		return CPU_COUNT(&allowed);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &allowed) && kept++ >= count)
			CPU_CLR(cpu, &allowed);
	if (sched_setaffinity(0, sizeof(allowed), &allowed) < 0)
		lab_die("sched_setaffinity: %s", strerror(errno));
	return CPU_COUNT(&allowed);
}

void lab_pin(int n)
{
	cpu_set_t one;
	int cpu = 0;

	if (n < 0) {
		one = allowed;
	} else {
		n %= CPU_COUNT(&allowed);
		while (!CPU_ISSET(cpu, &allowed) || n-- > 0)
			cpu++;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
	}
	if (sched_setaffinity(0, sizeof(one), &one) < 0)
		lab_die("sched_setaffinity: %s", strerror(errno));
}

uint64_t lab_spin(uint64_t rounds)
{
	uint64_t sum = rounds;

	for (uint64_t i = 0; i < rounds; i++) {
		sum += i;
		__asm__ volatile("" : "+r"(sum)); /* each addition waits for the previous one */
	}
	return sum;
}

uint64_t lab_spin_rounds(uint64_t ns)
{
	static double per_ns;

	if (per_ns == 0) {
		/* Take the fastest of eight: an interrupted run takes longer. */
		for (int i = 0; i < 8; i++) {
			const uint64_t rounds = 200000;
			uint64_t start = lab_now_ns();
			double rate;

			lab_spin(rounds);
			rate = (double)rounds / (lab_now_ns() - start + 1);
			if (rate > per_ns)
				per_ns = rate;
		}
	}
	return (uint64_t)(per_ns * ns) + 1;
}
