/* SPDX-License-Identifier: MIT
 *
 * Memory, and the keys that end something.
 */
#include "arch/x86_64/pc/power.h"
#include "kernel/linux/oom.h"
#include "kernel/linux/slab_stats.h"
#include "kernel/log/log.h"
#include "kernel/log/panic.h"
#include "kernel/mem/page.h"
#include "kernel/mem/slab.h"
#include "kernel/sys/calls.h"
#include "kernel/task/process.h"
#include "kernel/task/signal.h"
#include "kernel/watch/sysrq.h"

#define SLAB_TEXT 4096

static void show_memory(void)
{
	char *slabs = kmalloc(SLAB_TEXT);
	struct page_stats s;
	size_t length;

	page_stats_read(&s);
	const struct {
		const char *name;
		u64 frames;
	} lines[] = {
	    {"can be allocated", s.total},
	    {"free", s.free},
	    {"kernel", s.used[PAGE_KERNEL] + s.used[PAGE_SLAB] + s.used[PAGE_KSTACK]},
	    {"page tables", s.used[PAGE_TABLE]},
	    {"memory of programs", s.used[PAGE_ANON]},
	    {"files and shared memory", s.used[PAGE_FILE] + s.used[PAGE_OBJECT]},
	    {"pipes", s.used[PAGE_PIPE]},
	};

	for (u32 i = 0; i < ARRAY_SIZE(lines); i++)
		log_info("  %lu KiB %s", lines[i].frames * (PAGE_SIZE / 1024), lines[i].name);
	log_info("  %lu allocations have failed", s.failed);
	if (!slabs)
		return;
	log_info("  kernel objects: cache, in use, objects, size, frames");
	length = slab_stats_text(slabs, SLAB_TEXT - 1);
	slabs[length] = '\0';
	for (char *line = slabs; *line;) {
		char *end = line;

		while (*end && *end != '\n')
			end++;
		log_info("    %.*s", (int)(end - line), line);
		line = *end ? end + 1 : end;
	}
	kfree(slabs);
}

static void reboot(void)
{
	power_reset();
}

static void switch_off(void)
{
	power_off(EXIT_STATUS_OK);
}

static void crash(void)
{
	panic("sysrq c: a person has asked for it");
}

static void end_programs(void)
{
	signal_kill(-1, SIGTERM, NULL);
}

static void kill_programs(void)
{
	signal_kill(-1, SIGKILL, NULL);
}

static void end_largest(void)
{
	if (WITH_OOM)
		oom_end_largest();
}

SYSRQ_COMMANDS(actions) = {
    {'m', SYSRQ_THREAD, "memory: what its pages are used for", show_memory},
    {'f', SYSRQ_THREAD, "SIGKILL to the program that takes the most memory", end_largest},
    {'e', SYSRQ_THREAD, "SIGTERM to all programs except init", end_programs},
    {'i', SYSRQ_THREAD, "SIGKILL to all programs except init", kill_programs},
    {'b', SYSRQ_AT_ONCE, "the machine starts again, at once", reboot},
    {'o', SYSRQ_AT_ONCE, "the machine is switched off, at once", switch_off},
    {'c', SYSRQ_AT_ONCE, "panic, for its report", crash},
};
