/* SPDX-License-Identifier: MIT
 *
 * The topology as CPUID tells it (SDM 3A 9.9.3 and 9.9.4, and 2A, CPUID, leaves 1, 4, 0Bh and 1Fh;
 * APM 3, appendix E, functions 8000_0008h, 8000_001Dh and 8000_001Eh).  An APIC id consists of
 * fields, from the lowest bit: the thread in its core, the core in its die, the die in its package,
 * the package.
 */
#include "kernel/linux/cpu_topology.h"

#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/features.h"
#include "arch/x86_64/cpu/percpu.h"
#include "arch/x86_64/pc/smp.h"
#include "kernel/lib/init.h"
#include "kernel/lib/string.h"

#define LEVELS_MAX 8 /* more levels than the manual defines: the end of a leaf that never ends */

enum { LEVEL_END = 0, LEVEL_THREAD = 1, LEVEL_DIE = 5 };

static DEFINE_PER_CPU(struct cpu_topology, topology);

const struct cpu_topology *cpu_topology(u32 cpu)
{
	return per_cpu_ptr(topology, cpu);
}

/* --- Reading CPUID, on each CPU --------------------------------------------------------------- */

static struct cpuid_result cpuid_or_zero(u32 leaf, u32 subleaf)
{
	if (cpuid(leaf & 0x80000000, 0).eax < leaf)
		return (struct cpuid_result){0};
	return cpuid(leaf, subleaf);
}

/* The number of bits that tell `count` things apart. */
static u8 bits_for(u32 count)
{
	u8 bits = 0;

	while (bits < 31 && 1U << bits < count)
		bits++;
	return bits;
}

static bool is_amd(void)
{
	return !strcmp(cpu_features.vendor, "AuthenticAMD") ||
	       !strcmp(cpu_features.vendor, "HygonGenuine");
}

/* APM 3, function 8000_0001h, ECX bit 22: TopologyExtensions. */
static bool amd_tells_topology(void)
{
	return is_amd() && cpuid_or_zero(0x80000001, 0).ecx >> 22 & 1;
}

/* Leaves 0Bh and 1Fh: each subleaf is a level, with the number of bits below the next higher one.
 * False if the leaf is not there. */
static bool read_levels(struct cpu_topology *t, u32 leaf)
{
	struct cpuid_result r = cpuid_or_zero(leaf, 0);
	bool has_dies = false;

	if (!(r.ebx & 0xffff) || (r.ecx >> 8 & 0xff) != LEVEL_THREAD)
		return false;
	t->apic_id = r.edx;
	t->core_shift = t->die_shift = t->package_shift = r.eax & 31;
	for (u32 i = 1; i < LEVELS_MAX; i++) {
		r = cpuid(leaf, i);
		if ((r.ecx >> 8 & 0xff) == LEVEL_END)
			break;
		/* The level below that of the dies ends where a die's number begins. */
		has_dies |= (r.ecx >> 8 & 0xff) == LEVEL_DIE;
		t->package_shift = r.eax & 31;
		if (!has_dies)
			t->die_shift = t->package_shift;
	}
	return true;
}

/* AMD: the bits of a core's number, and on processors that tell it the threads of a core. */
static void read_amd(struct cpu_topology *t)
{
	u32 sizes = cpuid_or_zero(0x80000008, 0).ecx;

	t->package_shift = sizes >> 12 & 15 ? sizes >> 12 & 15 : bits_for((sizes & 0xff) + 1);
	if (!amd_tells_topology())
		return;
	t->apic_id = cpuid(0x8000001e, 0).eax;
	t->core_shift = bits_for((cpuid(0x8000001e, 0).ebx >> 8 & 0xff) + 1);
}

/* Intel before leaf 0Bh: the threads that a package has room for, and the cores. */
static void read_legacy(struct cpu_topology *t)
{
	struct cpuid_result r = cpuid(1, 0);

	if (!(r.edx >> 28 & 1)) /* HTT: EBX says how many */
		return;
	t->package_shift = bits_for(r.ebx >> 16 & 0xff);
	t->core_shift = bits_for((cpuid_or_zero(4, 0).eax >> 26) + 1);
	t->core_shift = t->package_shift - MIN(t->core_shift, t->package_shift);
}

/* AMD without the topology extensions: sizes in KiB and ways, functions 8000_0005h and 8000_0006h.
 */
static void add_amd_cache(struct cpu_topology *t, u32 level, u32 type, u32 kib, u32 ways, u32 line)
{
	if (!kib || !ways || !line)
		return;
	t->caches[t->cache_count++] = (struct cpu_cache){
	    .level = (u8)level,
	    .type = (u8)type,
	    .shift = level == 3 ? t->package_shift : t->core_shift,
	    .line_bytes = (u16)line,
	    .partitions = 1,
	    .ways = (u16)ways,
	    .sets = kib * 1024 / (ways * line),
	};
}

static void read_amd_caches(struct cpu_topology *t)
{
	/* The ways of levels 2 and 3 by their code; 0 is a cache that is not there, or one that
	 * compares all its lines. */
	static const u8 ways[16] = {0, 1, 2, 3, 4, 6, 8, 0, 16, 0, 32, 48, 64, 96, 128, 0};
	struct cpuid_result l1 = cpuid_or_zero(0x80000005, 0), l23 = cpuid_or_zero(0x80000006, 0);

	add_amd_cache(t, 1, CPU_CACHE_DATA, l1.ecx >> 24, l1.ecx >> 16 & 0xff, l1.ecx & 0xff);
	add_amd_cache(t, 1, CPU_CACHE_CODE, l1.edx >> 24, l1.edx >> 16 & 0xff, l1.edx & 0xff);
	add_amd_cache(t, 2, CPU_CACHE_UNIFIED, l23.ecx >> 16, ways[l23.ecx >> 12 & 15],
		      l23.ecx & 0xff);
	add_amd_cache(t, 3, CPU_CACHE_UNIFIED, (l23.edx >> 18) * 512, ways[l23.edx >> 12 & 15],
		      l23.edx & 0xff);
}

/* Leaf 4 of Intel, and AMD's function 8000_001Dh in the same form. */
static void read_caches(struct cpu_topology *t, u32 leaf)
{
	for (u32 i = 0; i < CPU_CACHES; i++) {
		struct cpuid_result r = cpuid_or_zero(leaf, i);

		if (!(r.eax & 31) || (r.eax & 31) > CPU_CACHE_UNIFIED)
			return;
		t->caches[t->cache_count++] = (struct cpu_cache){
		    .type = r.eax & 31,
		    .level = r.eax >> 5 & 7,
		    .shift = bits_for((r.eax >> 14 & 0xfff) + 1),
		    .line_bytes = (r.ebx & 0xfff) + 1,
		    .partitions = (r.ebx >> 12 & 0x3ff) + 1,
		    .ways = (r.ebx >> 22) + 1,
		    .sets = r.ecx + 1,
		};
	}
}

static void read_here(void *unused)
{
	struct cpu_topology *t = this_cpu_ptr(topology);

	t->apic_id = cpuid(1, 0).ebx >> 24;
	if (!read_levels(t, 0x1f) && !read_levels(t, 0xb)) {
		if (is_amd())
			read_amd(t);
		else
			read_legacy(t);
		t->die_shift = t->package_shift;
	}
	if (!is_amd())
		read_caches(t, 4);
	else if (amd_tells_topology())
		read_caches(t, 0x8000001d);
	else
		read_amd_caches(t);
}

static void topology_init(void)
{
	preempt_disable();
	read_here(NULL);
	smp_call(&cpus_online, read_here, NULL);
	preempt_enable();
}

INIT_CALL(15, topology_init);

/* --- What follows from it --------------------------------------------------------------------- */

static u32 field(u32 cpu, u32 from, u32 to)
{
	return (cpu_topology(cpu)->apic_id & ((1UL << to) - 1)) >> from;
}

u32 cpu_core_id(u32 cpu)
{
	return field(cpu, cpu_topology(cpu)->core_shift, cpu_topology(cpu)->die_shift);
}

u32 cpu_die_id(u32 cpu)
{
	return field(cpu, cpu_topology(cpu)->die_shift, cpu_topology(cpu)->package_shift);
}

u32 cpu_package_id(u32 cpu)
{
	return field(cpu, cpu_topology(cpu)->package_shift, 32);
}

void cpu_group(u32 cpu, u32 shift, struct cpumask *group)
{
	memset(group, 0, sizeof(*group));
	cpumask_for_each (other, &cpus_online)
		if (field(other, shift, 32) == field(cpu, shift, 32))
			cpumask_set(group, other);
}

u32 cpu_cache_bytes(const struct cpu_cache *c)
{
	return (u32)c->ways * c->partitions * c->line_bytes * c->sets;
}

u32 cpu_cache_kib(u32 cpu)
{
	const struct cpu_topology *t = cpu_topology(cpu);
	u32 bytes = 0, level = 0;

	for (u32 i = 0; i < t->cache_count; i++) {
		const struct cpu_cache *c = &t->caches[i];

		if (c->type == CPU_CACHE_CODE || c->level < level || (is_amd() && c->level > 2))
			continue;
		level = c->level;
		bytes = cpu_cache_bytes(c);
	}
	return bytes / 1024;
}
