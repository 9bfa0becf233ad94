/* SPDX-License-Identifier: MIT
 *
 * /sys/devices/system: the processors, as lscpu(1) and C libraries look for them, and the memory as
 * one node.  Each processor counts as a core of one package.
 */
#include "arch/x86_64/cpu/percpu.h"
#include "kernel/lib/format.h"
#include "kernel/lib/init.h"
#include "kernel/linux/proc/procinfo.h"
#include "kernel/mem/slab.h"

#define CPUS "devices/system/cpu/"
#define NODE "devices/system/node/"

/* "0-3", or "0" if there is one. */
static void make_cpu_list(struct text *t)
{
	text_printf(t, cpu_count > 1 ? "0-%u\n" : "%u\n", cpu_count - 1);
}

/* The CPUs from `first` to `last` as a mask of all: words of 32 bits in hexadecimal, the highest
 * first. */
static void write_mask(struct text *t, u32 first, u32 last)
{
	for (u32 word = DIV_ROUND_UP(cpu_count, 32); word--;) {
		u32 bits = 0;

		for (u32 bit = 0; bit < 32; bit++)
			if (word * 32 + bit >= first && word * 32 + bit <= last)
				bits |= 1U << bit;
		text_printf(t, "%08x%s", bits, word ? "," : "\n");
	}
}

static void make_cpu_mask(struct text *t)
{
	write_mask(t, 0, cpu_count - 1);
}

static const struct proc_file machine_files[] = {
    {CPUS "online", .make = make_cpu_list},
    {CPUS "possible", .make = make_cpu_list},
    {CPUS "present", .make = make_cpu_list},
    {CPUS "offline", .constant = "\n"},
    {CPUS "isolated", .constant = "\n"},
    {CPUS "kernel_max", .constant = "255\n"},
    {NODE "online", .constant = "0\n"},
    {NODE "possible", .constant = "0\n"},
    {NODE "has_memory", .constant = "0\n"},
    {NODE "node0/cpulist", .make = make_cpu_list},
    {NODE "node0/cpumap", .make = make_cpu_mask},
    {"kernel/mm/transparent_hugepage/enabled", .constant = "always madvise [never]\n"},
};

/* Add a file about one CPU, with a text of its own. */
static void add_topology(u32 cpu, const char *name, const char *format, u32 number)
{
	char path[64], *text = kmalloc(16);

	if (!text)
		return;
	snprintf(path, sizeof(path), CPUS "cpu%u/topology/%s", cpu, name);
	snprintf(text, 16, format, number);
	sysfs_add(&(struct proc_file){path, .constant = text});
}

/* A mask with the bit of one CPU.  The text stays for ever. */
static void add_mask(u32 cpu, const char *name)
{
	struct text t = {0};
	char path[64];

	write_mask(&t, cpu, cpu);
	text_write(&t, "", 1);
	if (t.failed) {
		kfree(t.data);
		return;
	}
	snprintf(path, sizeof(path), CPUS "cpu%u/topology/%s", cpu, name);
	sysfs_add(&(struct proc_file){path, .constant = t.data});
}

/* The CPUs of the package: all.  lscpu(1) needs them. */
static void add_package(u32 cpu)
{
	char path[64];

	snprintf(path, sizeof(path), CPUS "cpu%u/topology/core_siblings", cpu);
	sysfs_add(&(struct proc_file){path, .make = make_cpu_mask});
	snprintf(path, sizeof(path), CPUS "cpu%u/topology/core_siblings_list", cpu);
	sysfs_add(&(struct proc_file){path, .make = make_cpu_list});
}

static void add_cpu(u32 cpu)
{
	add_mask(cpu, "thread_siblings");
	add_mask(cpu, "core_cpus");
	add_package(cpu);
	add_topology(cpu, "thread_siblings_list", "%u\n", cpu);
	add_topology(cpu, "core_cpus_list", "%u\n", cpu);
	add_topology(cpu, "core_id", "%u\n", cpu);
	add_topology(cpu, "physical_package_id", "%u\n", 0);
}

static void sysfs_init(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(machine_files); i++)
		sysfs_add(&machine_files[i]);
	for (u32 cpu = 0; cpu < cpu_count; cpu++)
		add_cpu(cpu);
}

INIT_CALL(20, sysfs_init);
