/* SPDX-License-Identifier: MIT
 *
 * /sys/devices/system: the processors, their packages, cores and caches, as lscpu(1) and C
 * libraries look for them, and the memory as one node.  CPUs do not come and go after the boot, so
 * all texts are made then.
 */
#include "arch/x86_64/cpu/percpu.h"
#include "kernel/lib/format.h"
#include "kernel/lib/init.h"
#include "kernel/linux/cpu_topology.h"
#include "kernel/linux/proc/procinfo.h"
#include "kernel/mem/slab.h"

#define CPUS "devices/system/cpu/"
#define NODE "devices/system/node/"

static const struct proc_file machine_files[] = {
    {CPUS "offline", .constant = "\n"},
    {CPUS "isolated", .constant = "\n"},
    {CPUS "kernel_max", .constant = "255\n"},
    {NODE "online", .constant = "0\n"},
    {NODE "possible", .constant = "0\n"},
    {NODE "has_memory", .constant = "0\n"},
    {"kernel/mm/transparent_hugepage/enabled", .constant = "always madvise [never]\n"},
};

/* --- Sets of CPUs ----------------------------------------------------------------------------- */

/* As ranges: "0-3,8". */
static void write_list(struct text *t, const struct cpumask *set)
{
	const char *comma = "";
	u32 end;

	for (u32 cpu = cpumask_next(set, 0); cpu < MAX_CPUS; cpu = cpumask_next(set, end + 1)) {
		for (end = cpu; end + 1 < MAX_CPUS && cpumask_test(set, end + 1); end++)
			;
		text_printf(t, end > cpu ? "%s%u-%u" : "%s%u", comma, cpu, end);
		comma = ",";
	}
	text_printf(t, "\n");
}

/* As a mask of cpu_count bits in hexadecimal, in words of 32 bits, the highest first. */
static void write_mask(struct text *t, const struct cpumask *set)
{
	u32 words = DIV_ROUND_UP(cpu_count, 32), digits = DIV_ROUND_UP((cpu_count - 1) % 32 + 1, 4);

	for (u32 word = words; word--; digits = 8)
		text_printf(t, "%0*x%s", (int)digits, (u32)(set->bits[word / 2] >> word % 2 * 32),
			    word ? "," : "\n");
}

/* --- Files ------------------------------------------------------------------------------------ */

/* Add a file below devices/system/.  Its text stays for ever.  Without memory there is none. */
static void add(const char *path, struct text *t)
{
	char whole[96];

	text_write(t, "", 1);
	if (t->failed) {
		kfree(t->data);
		return;
	}
	snprintf(whole, sizeof(whole), "devices/system/%s", path);
	sysfs_add(&(struct proc_file){whole, .constant = t->data});
}

static void __printf(3, 4) add_line(const char *folder, const char *name, const char *format, ...)
{
	struct text t = {0};
	char path[64], line[32];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	text_printf(&t, "%s\n", line);
	snprintf(path, sizeof(path), "%s%s", folder, name);
	add(path, &t);
}

static void add_set(const char *folder, const char *mask_name, const char *list_name,
		    const struct cpumask *set)
{
	struct text mask = {0}, list = {0};
	char path[64];

	write_mask(&mask, set);
	snprintf(path, sizeof(path), "%s%s", folder, mask_name);
	add(path, &mask);
	write_list(&list, set);
	snprintf(path, sizeof(path), "%s%s", folder, list_name);
	add(path, &list);
}

/* The CPUs of one core, die and package.  The names with "siblings" are Linux's older ones. */
static void add_topology(u32 cpu)
{
	const struct cpu_topology *t = cpu_topology(cpu);
	struct cpumask set;
	char folder[32];

	snprintf(folder, sizeof(folder), "cpu/cpu%u/topology/", cpu);
	add_line(folder, "core_id", "%u", cpu_core_id(cpu));
	add_line(folder, "die_id", "%u", cpu_die_id(cpu));
	add_line(folder, "physical_package_id", "%u", cpu_package_id(cpu));
	cpu_group(cpu, t->core_shift, &set);
	add_set(folder, "thread_siblings", "thread_siblings_list", &set);
	add_set(folder, "core_cpus", "core_cpus_list", &set);
	cpu_group(cpu, t->die_shift, &set);
	add_set(folder, "die_cpus", "die_cpus_list", &set);
	cpu_group(cpu, t->package_shift, &set);
	add_set(folder, "core_siblings", "core_siblings_list", &set);
	add_set(folder, "package_cpus", "package_cpus_list", &set);
}

static void add_caches(u32 cpu)
{
	static const char *const types[] = {
	    [CPU_CACHE_DATA] = "Data",
	    [CPU_CACHE_CODE] = "Instruction",
	    [CPU_CACHE_UNIFIED] = "Unified",
	};
	const struct cpu_topology *t = cpu_topology(cpu);
	struct cpumask set;
	char folder[32];

	for (u32 i = 0; i < t->cache_count; i++) {
		const struct cpu_cache *c = &t->caches[i];

		snprintf(folder, sizeof(folder), "cpu/cpu%u/cache/index%u/", cpu, i);
		add_line(folder, "level", "%u", c->level);
		add_line(folder, "type", "%s", types[c->type]);
		add_line(folder, "size", "%uK", cpu_cache_bytes(c) / 1024);
		add_line(folder, "ways_of_associativity", "%u", c->ways);
		add_line(folder, "number_of_sets", "%u", c->sets);
		add_line(folder, "coherency_line_size", "%u", c->line_bytes);
		add_line(folder, "physical_line_partition", "%u", c->partitions);
		add_line(folder, "id", "%u", t->apic_id >> c->shift);
		cpu_group(cpu, c->shift, &set);
		add_set(folder, "shared_cpu_map", "shared_cpu_list", &set);
	}
}

static void add_machine(void)
{
	static const char *const lists[] = {"cpu/online", "cpu/possible", "cpu/present"};

	for (size_t i = 0; i < ARRAY_SIZE(machine_files); i++)
		sysfs_add(&machine_files[i]);
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		struct text list = {0};

		write_list(&list, &cpus_online);
		add(lists[i], &list);
	}
	add_set("node/node0/", "cpumap", "cpulist", &cpus_online);
}

static void sysfs_init(void)
{
	add_machine();
	cpumask_for_each (cpu, &cpus_online) {
		add_topology(cpu);
		add_caches(cpu);
		if (cpu) {
			char folder[16];

			snprintf(folder, sizeof(folder), "cpu/cpu%u/", cpu);
			add_line(folder, "online", "1");
		}
	}
}

INIT_CALL(20, sysfs_init);
