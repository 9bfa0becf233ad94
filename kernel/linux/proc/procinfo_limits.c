/* SPDX-License-Identifier: MIT
 *
 * Files of /proc/PID with what was set for a process: limits, and the control group.
 */
#include "kernel/lib/errno.h"
#include "kernel/lib/format.h"
#include "kernel/lib/string.h"
#include "kernel/linux/proc/procinfo.h"

/* Names and units as in proc(5), by RLIMIT_*. */
static const char *const limit_names[RLIMIT_COUNT][2] = {
    {"Max cpu time", "seconds"},     {"Max file size", "bytes"},
    {"Max data size", "bytes"},	     {"Max stack size", "bytes"},
    {"Max core file size", "bytes"}, {"Max resident set", "bytes"},
    {"Max processes", "processes"},  {"Max open files", "files"},
    {"Max locked memory", "bytes"},  {"Max address space", "bytes"},
    {"Max file locks", "locks"},     {"Max pending signals", "signals"},
    {"Max msgqueue size", "bytes"},  {"Max nice priority", ""},
    {"Max realtime priority", ""},   {"Max realtime timeout", "us"},
};

static void show_value(struct text *text, u64 value)
{
	char number[24] = "unlimited";

	if (value != RLIM_INFINITY)
		snprintf(number, sizeof(number), "%lu", value);
	text_printf(text, "%-20s ", number);
}

static void show_limits(struct thread *t, struct process *p, struct text *text)
{
	struct rlimit limits[RLIMIT_COUNT];
	u64 flags = spin_lock_irq(&p->limits.lock);

	for (u32 i = 0; i < RLIMIT_COUNT; i++)
		limits[i] = p->limits.value[i];
	spin_unlock_irq(&p->limits.lock, flags);
	text_printf(text, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit",
		    "Units");
	for (u32 i = 0; i < RLIMIT_COUNT; i++) {
		text_printf(text, "%-25s ", limit_names[i][0]);
		show_value(text, limits[i].current);
		show_value(text, limits[i].maximum);
		text_printf(text, "%-10s\n", limit_names[i][1]);
	}
}

/* There is one control group, as on a Linux on which no other was created. */
static void show_cgroup(struct thread *t, struct process *p, struct text *text)
{
	text_printf(text, "0::/\n");
}

PROC_PID_FILES(limit_files) = {
    {.name = "limits", .mode = FILE_MODE, .per_thread = true, .show = show_limits},
    {.name = "cgroup", .mode = FILE_MODE, .per_thread = true, .show = show_cgroup},
};
