/* SPDX-License-Identifier: MIT
 *
 * Where each CPU is: its package, its core, and the caches that it shares, as CPUID of that CPU
 * says.  For /proc and /sys, and for the choice of an idle core.
 */
#pragma once

#include "kernel/lib/cpumask.h"

#define CPU_CACHES 8

enum cpu_cache_type { CPU_CACHE_NONE, CPU_CACHE_DATA, CPU_CACHE_CODE, CPU_CACHE_UNIFIED };

struct cpu_cache {
	u8 level, type; /* enum cpu_cache_type */
	u8 shift;	/* CPUs whose APIC ids agree from this bit on share the cache */
	u16 ways, partitions, line_bytes;
	u32 sets;
};

struct cpu_topology {
	u32 apic_id; /* all 32 bits, where the processor tells them */
	/* CPUs whose APIC ids agree from this bit on share a core, a die, a package. */
	u8 core_shift, die_shift, package_shift;
	u8 cache_count;
	struct cpu_cache caches[CPU_CACHES]; /* in the order of CPUID */
};

/* The topology of a CPU below cpu_count; all zero if that CPU is not online.  It is complete in
 * init calls after number 15 and does not change. */
const struct cpu_topology *cpu_topology(u32 cpu);

/* The number of a core within its die, of a die within its package, and of a package. */
u32 cpu_core_id(u32 cpu);
u32 cpu_die_id(u32 cpu);
u32 cpu_package_id(u32 cpu);

/* The online CPUs whose APIC id agrees with that of `cpu` from bit `shift` on. */
void cpu_group(u32 cpu, u32 shift, struct cpumask *group);

/* The bytes that a cache holds. */
u32 cpu_cache_bytes(const struct cpu_cache *c);

/* The size of the cache that /proc/cpuinfo names, in KiB: of the last level or, as Linux does it
 * for processors of AMD, of the second. */
u32 cpu_cache_kib(u32 cpu);
