/* SPDX-License-Identifier: MIT
 *
 * /proc/heddle: counters of the core as text.
 *
 *   fail_nth   makes an allocation fail
 *   frames     all page frames of the machine by use
 *   futex      calls of futex(2) and what they did
 *   memory     page faults by kind
 *   slab       the caches of kernel objects
 *   switches   context switches, of the machine and of each CPU
 *   syscalls   "number name calls"
 *   tlb        TLB flushes
 */
#include "arch/x86_64/pc/tlb.h"
#include "kernel/ipc/futex.h"
#include "kernel/lib/abi.h"
#include "kernel/lib/string.h"
#include "kernel/linux/cpu_stats.h"
#include "kernel/linux/proc_file.h"
#include "kernel/linux/slab_stats.h"
#include "kernel/mem/page.h"
#include "kernel/sys/syscall.h"
#include "kernel/task/sched.h"
#include "kernel/vm/address_space.h"

static void sum_counters(const u64 *counters, u64 *sum, size_t count)
{
	memset(sum, 0, count * sizeof(*sum));
	for (u32 cpu = 0; cpu < cpu_count; cpu++)
		for (size_t i = 0; i < count; i++)
			sum[i] += READ_ONCE(*per_cpu_ptr(counters[i], cpu));
}

/* Add up a per-CPU variable, or a member of one, over all CPUs into *sum.  It must consist of
 * counters of type u64.  Counts that are made during the call may be missing. */
#define per_cpu_sum(var, sum)                                                                      \
	sum_counters((const u64 *)&(var), (u64 *)(sum), sizeof(var) / sizeof(u64))

/* First the totals, then the number of frames of each use. */
static void make_frames(struct text *t)
{
	struct page_stats s;

	page_stats_read(&s);
	const struct {
		const char *name;
		u64 frames;
	} lines[] = {
	    {"all", s.total + s.used[PAGE_RESERVED]},
	    {"total", s.total}, /* frames that can be allocated */
	    {"free_in_cpu_caches", s.cached},
	    {"failed", s.failed}, /* allocations that failed */
	    {"free", s.free},
	    {"image", s.image},
	    {"page_array", s.array},
	    {"boot_tables", s.boot_tables},
	    {"boot_other", s.used[PAGE_RESERVED] - s.image - s.array - s.boot_tables},
	    {"kernel", s.used[PAGE_KERNEL]},
	    {"slab", s.used[PAGE_SLAB]},
	    {"page_table", s.used[PAGE_TABLE]},
	    {"kstack", s.used[PAGE_KSTACK]},
	    {"anon", s.used[PAGE_ANON]},
	    {"object", s.used[PAGE_OBJECT]},
	    {"file", s.used[PAGE_FILE]},
	    {"pipe", s.used[PAGE_PIPE]},
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		text_printf(t, "%s %lu\n", lines[i].name, lines[i].frames);
}

static void make_memory(struct text *t)
{
	struct fault_stats s;

	per_cpu_sum(fault_counters, &s);
	text_printf(t, "cow_copies %lu\ncow_reuses %lu\nzeroed_pages %lu\nobject_faults %lu\n",
		    s.cow_copies, s.cow_reuses, s.zeroed_pages, s.object_faults);
}

static void make_switches(struct text *t)
{
	struct sched_cpu_stats sum = {0}, s;

	cpumask_for_each (id, &cpus_online) {
		sched_stats_read(id, &s);
		sum.switches += s.switches;
		sum.switches_root += s.switches_root;
		sum.migrations += s.migrations;
	}
	text_printf(t, "switches %lu\nswitches_root %lu\nmigrations %lu\n", sum.switches,
		    sum.switches_root, sum.migrations);
	text_printf(t, "cpu switches new_root wakeups steals queued running\n");
	cpumask_for_each (id, &cpus_online) {
		sched_stats_read(id, &s);
		text_printf(t, "%u %lu %lu %lu %lu %u %d\n", id, s.switches, s.switches_root,
			    s.wakeups, s.steals, s.queued, s.running);
	}
}

static void make_tlb(struct text *t)
{
	struct tlb_stats s;

	per_cpu_sum(tlb_counters, &s);
	text_printf(t, "local_flushes %lu\nshootdowns %lu\nremote_cpus %lu\n", s.local_flushes,
		    s.shootdowns, s.remote_cpus);
}

static void make_slab(struct text *t)
{
	text_report(t, slab_stats_text);
}

static void make_futex(struct text *t)
{
	struct futex_stats s;

	per_cpu_sum(futex_counters, &s);
	text_printf(t, "waits %lu\nwaits_refused %lu\nwakes %lu\nwakes_empty %lu\n", s.waits,
		    s.waits_refused, s.wakes, s.wakes_empty);
	text_printf(t, "requeues %lu\nwoken %lu\n", s.requeues, s.woken);
}

static const char *const syscall_names[SYSCALL_COUNT] = {
#define SYSCALL_NAME(number, call) [number] = #call,
    SYSCALL_NUMBERS(SYSCALL_NAME)};

/* All system calls that this kernel has, and numbers without a call that programs have used. */
static void make_syscalls(struct text *t)
{
	for (u32 i = 0; i <= SYSCALL_COUNT; i++) {
		bool served = syscall_function(i) != syscall_none;
		u64 calls;

		per_cpu_sum(syscall_calls[i], &calls);
		if (served || calls)
			text_printf(t, "%u%s %s %lu\n", i, i == SYSCALL_COUNT ? "+" : "",
				    served ? syscall_names[i] : "unknown", calls);
	}
}

/* After N is written, the N-th allocation from then on fails; 0 switches this off. */
static void make_fail_nth(struct text *t)
{
	text_printf(t, "write N to make the N-th allocation from now on fail, 0 for none\n");
}

static int write_fail_nth(const char *text, size_t length)
{
	u64 n;
	int error = parse_u64(text, 10, &n);

	if (!error)
		alloc_fail_nth(n);
	return error;
}

PROC_FILES(files) = {
    {"heddle/fail_nth", .make = make_fail_nth, .write = write_fail_nth},
    {"heddle/frames", .make = make_frames},
    {"heddle/futex", .make = make_futex},
    {"heddle/memory", .make = make_memory},
    {"heddle/slab", .make = make_slab},
    {"heddle/switches", .make = make_switches},
    {"heddle/syscalls", .make = make_syscalls},
    {"heddle/tlb", .make = make_tlb},
};
