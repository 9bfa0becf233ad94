/* SPDX-License-Identifier: MIT
 *
 * Which CPUs are threads of one core (SMT), for the choice of a CPU.  Two threads of one core share
 * its execution units, so a busy thread makes the other one slow.
 */
#include "kernel/lib/init.h"
#include "kernel/linux/cpu_topology.h"
#include "kernel/task/runqueue.h"

bool smt_present __hot_data;

/* The CPUs of a core form a ring: each has the number of the next one, and the last that of the
 * first. */
static u8 next_thread[MAX_CPUS] __hot_data;
_Static_assert(MAX_CPUS <= 256, "a number of a CPU fits into a byte");

/* Is the CPU idle, and will it stay so?  A CPU with a thread in its queue was just woken. */
static bool is_idle(u32 cpu)
{
	return cpumask_test(&cpus_idle, cpu) && !READ_ONCE(runqueue_of(cpu)->queued);
}

static bool core_is_idle(u32 cpu)
{
	if (!is_idle(cpu))
		return false;
	for (u32 other = next_thread[cpu]; other != cpu; other = next_thread[other])
		if (!is_idle(other))
			return false;
	return true;
}

u32 smt_idle_core(const struct cpumask *allowed, u32 last)
{
	if (cpumask_test(allowed, last) && core_is_idle(last))
		return last;
	for (u32 i = 1; i < cpu_count; i++) {
		u32 cpu = (last + i) % cpu_count;

		if (cpumask_test(allowed, cpu) && core_is_idle(cpu))
			return cpu;
	}
	return MAX_CPUS;
}

static void cores_init(void)
{
	u32 shared = 0;

	cpumask_for_each (cpu, &cpus_online) {
		struct cpumask core;
		u32 next;

		cpu_group(cpu, cpu_topology(cpu)->core_shift, &core);
		next = cpumask_next(&core, cpu + 1);
		if (next == MAX_CPUS)
			next = cpumask_next(&core, 0);
		next_thread[cpu] = (u8)next;
		shared += next != cpu;
	}
	WRITE_ONCE(smt_present, shared != 0);
}

INIT_CALL(16, cores_init);
