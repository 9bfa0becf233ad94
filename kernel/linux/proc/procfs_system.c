/* SPDX-License-Identifier: MIT
 *
 * The files of /proc about the machine (proc(5)).
 */
#include "arch/x86_64/cpu/percpu.h"
#include "arch/x86_64/mmu/paging.h"
#include "arch/x86_64/pc/apic.h"
#include "arch/x86_64/pc/clock.h"
#include "arch/x86_64/pc/tlb.h"
#include "boot/cmdline.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/format.h"
#include "kernel/lib/string.h"
#include "kernel/linux/cpu_stats.h"
#include "kernel/linux/identity.h"
#include "kernel/linux/proc/load.h"
#include "kernel/linux/proc_file.h"
#include "kernel/mem/page.h"
#include "kernel/mem/slab.h"
#include "kernel/task/kstack.h"
#include "kernel/task/process.h"
#include "kernel/task/sched.h"

#define TICK_NS (10 * (u64)NSEC_PER_MSEC) /* CLK_TCK is 100 */

/* --- Identity --------------------------------------------------------------------------------- */

static void make_hostname(struct text *t)
{
	char name[SYSTEM_NODE_MAX + 1];

	system_hostname_get(name);
	text_printf(t, "%s\n", name);
}

static void make_cmdline(struct text *t)
{
	text_printf(t, "%s\n", cmdline_text());
}

/* --- Memory and time -------------------------------------------------------------------------- */

static void make_meminfo(struct text *t)
{
	struct page_stats s;

	page_stats_read(&s);
	const struct {
		const char *name;
		u64 pages;
	} lines[] = {
	    {"MemTotal", s.total},
	    {"MemFree", s.free},
	    {"MemAvailable", s.free + READ_ONCE(kstacks_kept) * (KSTACK_SIZE / PAGE_SIZE)},
	    {"Buffers", 0},
	    {"Cached",
	     s.used[PAGE_OBJECT] + s.used[PAGE_FILE]}, /* files in RAM, as Linux counts tmpfs */
	    {"SwapTotal", 0},
	    {"SwapFree", 0},
	    {"Dirty", 0},
	    {"Writeback", 0},
	    {"AnonPages", s.used[PAGE_ANON]},
	    {"Mapped", 0},
	    {"Shmem", s.used[PAGE_OBJECT] + s.used[PAGE_FILE]},
	    {"Slab", s.used[PAGE_SLAB]},
	    {"SReclaimable", 0},
	    {"KernelStack", s.used[PAGE_KSTACK]},
	    {"PageTables", s.used[PAGE_TABLE]},
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		text_printf(t, "%s:%*lu kB\n", lines[i].name, (int)(23 - strlen(lines[i].name)),
			    (lines[i].pages * (PAGE_SIZE / 1024)));
}

static void cpu_line(struct text *t, const char *name, const struct sched_cpu_stats *s)
{
	text_printf(t, "%s %lu 0 %lu %lu 0 0 0 0 0 0\n", name, s->user_ns / TICK_NS,
		    s->kernel_ns / TICK_NS, s->idle_ns / TICK_NS);
}

static void sum_cpus(struct sched_cpu_stats *sum, u64 *interrupts)
{
	struct sched_cpu_stats s;

	*sum = (struct sched_cpu_stats){0};
	*interrupts = 0;
	cpumask_for_each (id, &cpus_online) {
		sched_stats_read(id, &s);
		sum->user_ns += s.user_ns;
		sum->kernel_ns += s.kernel_ns;
		sum->idle_ns += s.idle_ns;
		sum->switches += s.switches;
		*interrupts += READ_ONCE(cpu_get(id)->interrupts);
	}
}

static void make_stat(struct text *t)
{
	struct sched_cpu_stats s;
	u64 interrupts, switches;
	char name[16];

	sum_cpus(&s, &interrupts);
	switches = s.switches;
	cpu_line(t, "cpu ", &s);
	cpumask_for_each (id, &cpus_online) {
		sched_stats_read(id, &s);
		snprintf(name, sizeof(name), "cpu%u", id);
		cpu_line(t, name, &s);
	}
	text_printf(t,
		    "intr %lu\n"
		    "ctxt %lu\n"
		    "btime %lu\n"
		    "processes %lu\n"
		    "procs_running %u\n"
		    "procs_blocked 0\n",
		    interrupts, switches, (clock_boot_time_ns() / (u64)NSEC_PER_SEC),
		    READ_ONCE(threads_started), sched_runnable_count());
}

static void make_uptime(struct text *t)
{
	struct sched_cpu_stats s;
	u64 interrupts, now = clock_now_ns() / TICK_NS, idle;

	sum_cpus(&s, &interrupts);
	idle = s.idle_ns / TICK_NS;
	text_printf(t, "%lu.%02lu %lu.%02lu\n", now / 100, now % 100, idle / 100, idle % 100);
}

static void make_loadavg(struct text *t)
{
	u64 load[3];

	sched_load_average(load);
	for (int i = 0; i < 3; i++)
		text_printf(t, "%lu.%02lu ", (load[i] >> 16), ((load[i] & 0xffff) * 100 >> 16));
	text_printf(t, "%u/%u %d\n", sched_runnable_count(), READ_ONCE(threads_linked),
		    READ_ONCE(tid_last));
}

/* --- sys/ ------------------------------------------------------------------------------------- */

static void make_slice(struct text *t)
{
	text_printf(t, "%lu\n", (sched_slice_ns() / (u64)NSEC_PER_MSEC));
}

/* A value of 0 or less restores the default, as on Linux. */
static int write_slice(const char *text, size_t length)
{
	u64 ms;

	if (*text == '-')
		ms = 0;
	else if (parse_u64(text, 10, &ms))
		return -EINVAL;
	sched_set_slice_ns(ms ? MIN(ms, 10000UL) * NSEC_PER_MSEC : SCHED_SLICE_DEFAULT_NS);
	return 0;
}

static void make_virtual_rr(struct text *t)
{
	text_printf(t, "%d\n", READ_ONCE(sched_virtual_rr));
}

static int write_virtual_rr(const char *text, size_t length)
{
	u64 on;

	if (parse_u64(text, 10, &on) || on > 1)
		return -EINVAL;
	WRITE_ONCE(sched_virtual_rr, on);
	return 0;
}

static int write_drop_caches(const char *text, size_t length)
{
	u64 what;

	if (parse_u64(text, 10, &what) || what < 1 || what > 4)
		return -EINVAL;
	page_drain_all();
	return 0;
}

PROC_FILES(files) = {
    {"cmdline", .make = make_cmdline},
    {"loadavg", .make = make_loadavg},
    {"meminfo", .make = make_meminfo},
    {"stat", .make = make_stat},
    {"uptime", .make = make_uptime},
    {"sys/kernel/hostname", .make = make_hostname, .write = system_hostname_set},
    {"sys/kernel/sched_rr_timeslice_ms", .make = make_slice, .write = write_slice},
    {"sys/kernel/sched_virtual_rr", .make = make_virtual_rr, .write = write_virtual_rr},
    {"sys/vm/drop_caches", .write = write_drop_caches},
    {"filesystems", .constant = "nodev\tramfs\nnodev\ttmpfs\nnodev\tproc\nnodev\tdevtmpfs\n"
				"nodev\tsysfs\nnodev\ttracefs\n"},
    {"version",
     .constant = SYSTEM_NAME " version " SYSTEM_RELEASE " (" __VERSION__ ") " SYSTEM_VERSION "\n"},
    {"sys/kernel/ostype", .constant = SYSTEM_NAME "\n"},
    {"sys/kernel/osrelease", .constant = SYSTEM_RELEASE "\n"},
    {"sys/kernel/version", .constant = SYSTEM_VERSION "\n"},
    {"sys/kernel/pid_max", .constant = "4194304\n"},
    {"sys/vm/overcommit_memory", .constant = "1\n"}, /* memory is given out as it is touched */
};
