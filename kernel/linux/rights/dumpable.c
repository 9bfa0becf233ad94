/* SPDX-License-Identifier: MIT
 *
 * Who looks into a process.  prctl(2), PR_SET_DUMPABLE: may others of the same user look into the
 * process?  Not if it has had other rights since its program began, nor if the program cannot be
 * read.
 */
#include "kernel/lib/errno.h"
#include "kernel/linux/prctl_option.h"
#include "kernel/linux/process_parts.h"
#include "kernel/linux/rights/rights.h"
#include "kernel/sys/calls.h"
#include "kernel/task/probe.h"
#include "kernel/task/process_events.h"

/* Of the process: all its threads have the same value. */
static DEFINE_PER_THREAD(bool, undumpable);

bool is_dumpable(const struct thread *t)
{
	return !READ_ONCE(*per_thread(t, undumpable));
}

static void set_undumpable(struct thread *t, void *value)
{
	WRITE_ONCE(*per_thread(t, undumpable), *(bool *)value);
}

void dumpable_set(struct process *p, bool dumpable)
{
	process_threads_visit(p, set_undumpable, &(bool){!dumpable});
}

/* May the thread that traces this one, or would by PTRACE_TRACEME, trace all? */
static DEFINE_PER_THREAD(bool, tracer_is_free);

void tracer_note(struct thread *t)
{
	*per_thread(t, tracer_is_free) = capable(CAP_SYS_PTRACE);
}

bool is_watched(const struct thread *t)
{
	return ptrace_on(t) && !READ_ONCE(*per_thread(t, tracer_is_free));
}

static void inherit(struct thread *t)
{
	*per_thread(t, undumpable) = !is_dumpable(current_thread());
	tracer_note(t);
}

ON_EVENT(clone, inherit);

static long dumpable_option(u64 dumpable, u64 b, u64 c, u64 d)
{
	if (dumpable > 1)
		return -EINVAL;
	dumpable_set(current_process(), dumpable);
	return 0;
}

static long dumpable_read(u64 a, u64 b, u64 c, u64 d)
{
	return is_dumpable(current_thread());
}

PRCTL_OPTIONS(dumpable_options) = {{3, dumpable_read}, {4, dumpable_option}};
