/* SPDX-License-Identifier: MIT
 *
 * The host's stand-in: as many CPUs as the test says, and it is on whichever it says.
 */
#pragma once

#include "arch/x86_64/cpu/cpu.h"
#include "kernel/lib/base.h"
#include "kernel/lib/cpumask.h"

#define HOST_CPUS 4

struct cpu {
	u32 irq_depth;
};

extern u32 host_cpu, host_preempt_count, cpu_count;
extern struct cpumask cpus_online;
extern struct cpu host_cpus[HOST_CPUS];

#define DEFINE_PER_CPU(type, name) typeof(type) name[HOST_CPUS]
#define this_cpu_ptr(var)	   (&(var)[host_cpu])
#define per_cpu_ptr(var, id)	   (&(var)[id])

static inline struct cpu *this_cpu(void)
{
	return &host_cpus[host_cpu];
}

static inline u32 preempt_count(void)
{
	return host_preempt_count;
}

static inline bool preemptible(void)
{
	return irqs_enabled() && !preempt_count() && !this_cpu()->irq_depth;
}

static inline void preempt_disable(void)
{
	host_preempt_count++;
}

static inline void preempt_enable(void)
{
	host_preempt_count--;
}
