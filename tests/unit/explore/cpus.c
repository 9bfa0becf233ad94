/* SPDX-License-Identifier: MIT
 *
 * The CPUs of all scenarios.
 */
#include <stdio.h>

#include "kernel/task/probe.h"
#include "tests/unit/explore/explore.h"

struct cpu explore_cpus[ACTORS];
u64 explore_irqs[ACTORS];
char explore_percpu[ACTORS][4096] __aligned(64);
u32 cpu_count = ACTORS, trace_mask;
struct cpumask cpus_online;
bool panic_in_progress, smt_present;

void panic(const char *fmt, ...)
{
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	explore_fail("panic: %s", text);
}
