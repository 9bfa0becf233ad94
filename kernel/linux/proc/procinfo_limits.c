/* SPDX-License-Identifier: MIT
 *
 * Files of /proc/PID with what was set for a process: limits, and values that are kept for programs
 * that ask for them.
 */
#include "kernel/lib/errno.h"
#include "kernel/lib/format.h"
#include "kernel/lib/string.h"
#include "kernel/linux/proc/procinfo.h"
#include "kernel/task/per_thread.h"
#include "kernel/task/process_events.h"

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

/* --- oom_score_adj ---------------------------------------------------------------------------- */

/* Kept in the leader, shown and inherited.  No process is chosen and ended when memory runs out, so
 * it has no effect. */
static DEFINE_PER_THREAD(s32, oom_adjustment);

static void inherit_adjustment(struct thread *t)
{
	*per_thread(t, oom_adjustment) = *per_thread(current_process()->leader, oom_adjustment);
}

static void show_adjustment(struct thread *t, struct process *p, struct text *text)
{
	text_printf(text, "%d\n", READ_ONCE(*per_thread(p->leader, oom_adjustment)));
}

static int write_adjustment(pid_t pid, tid_t tid, const char *text, size_t length)
{
	bool minus = *text == '-';
	struct process *p;
	u64 value;

	if (parse_u64(text + minus, 10, &value) || value > 1000)
		return -EINVAL;
	p = process_find(pid);
	if (!p)
		return -ESRCH;
	WRITE_ONCE(*per_thread(p->leader, oom_adjustment), minus ? -(s32)value : (s32)value);
	process_put(p);
	return 0;
}

static void show_zero(struct thread *t, struct process *p, struct text *text)
{
	text_printf(text, "0\n");
}

/* There is one control group, as on a Linux on which no other was created. */
static void show_cgroup(struct thread *t, struct process *p, struct text *text)
{
	text_printf(text, "0::/\n");
}

PROC_PID_FILES(limit_files) = {
    {.name = "limits", .mode = FILE_MODE, .per_thread = true, .show = show_limits},
    {.name = "oom_score_adj",
     .mode = S_IFREG | 0644,
     .per_thread = true,
     .show = show_adjustment,
     .write = write_adjustment},
    {.name = "oom_score", .mode = FILE_MODE, .per_thread = true, .show = show_zero},
    {.name = "cgroup", .mode = FILE_MODE, .per_thread = true, .show = show_cgroup},
};

ON_EVENT(clone, inherit_adjustment);
