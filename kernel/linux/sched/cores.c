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

/* Each CPU gets into one ring, also if the CPUs do not agree which of them share a core: a search
 * along a ring must end. */
static void cores_init(void)
{
	struct cpumask left = cpus_online, core;
	bool shared = false;

	cpumask_for_each (cpu, &cpus_online) {
		u32 last = cpu;

		if (!cpumask_test(&left, cpu))
			continue;
		cpu_group(cpu, cpu_topology(cpu)->core_shift, &core);
		cpumask_for_each (other, &core)
			if (cpumask_test_and_clear(&left, other)) {
				next_thread[last] = (u8)other;
				last = other;
			}
		next_thread[last] = (u8)cpu;
		shared |= last != cpu;
	}
	WRITE_ONCE(smt_present, shared);
}

INIT_CALL(16, cores_init);
