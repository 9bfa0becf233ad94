/* SPDX-License-Identifier: MIT
 *
 * The load average: the number of running and ready threads, sampled every five seconds and
 * smoothed over 1, 5 and 15 minutes (getloadavg(3); the factors are exp(-5/60), exp(-5/300),
 * exp(-5/900)).
 */
#include "kernel/linux/proc/load.h"

#include "arch/x86_64/pc/clock.h"
#include "kernel/lib/init.h"
#include "kernel/task/runqueue.h"

#define SAMPLE_NS (5 * NSEC_PER_SEC)
#define ONE	  65536UL

static const u64 decay[3] = {60296, 64453, 65173}; /* in units of 1/ONE */
static u64 averages[3];
static struct timer sample_timer;

u32 sched_runnable_count(void)
{
	u32 n = 0;

	for (u32 cpu = 0; cpu < cpu_count; cpu++)
		if (cpumask_test(&cpus_scheduled, cpu))
			n += READ_ONCE(runqueue_of(cpu)->queued) + !cpumask_test(&cpus_idle, cpu);
	return n;
}

static void sample(struct timer *timer)
{
	u64 now = sched_runnable_count() * ONE;

	for (u32 i = 0; i < 3; i++)
		averages[i] = (averages[i] * decay[i] + now * (ONE - decay[i])) / ONE;
	timer_start(timer, timer->expires_ns + SAMPLE_NS);
}

static void load_start(void)
{
	timer_init(&sample_timer, sample);
	timer_start(&sample_timer, clock_now_ns() + SAMPLE_NS);
}

EARLY_INIT_CALL(30, load_start);

void sched_load_average(u64 load[3])
{
	for (u32 i = 0; i < 3; i++)
		load[i] = READ_ONCE(averages[i]);
}
