/* SPDX-License-Identifier: MIT
 *
 * /proc/PID/oom_score and oom_score_adj (proc(5)): how good a choice a process is when memory has
 * run out, as Linux counts.
 */
#include "kernel/fs/rights.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/linux/oom/oom.h"
#include "kernel/linux/proc_file.h"
#include "kernel/linux/process_parts.h"
#include "kernel/mem/page.h"
#include "kernel/task/per_thread.h"
#include "kernel/task/process_events.h"
#include "kernel/vm/address_space.h"

/* Each thread has the same, for it may become the leader.  Inherited by children, and kept by exec.
 * Without CAP_SYS_RESOURCE `now` cannot become less than `least`, which is what a thread with it
 * has set last.  Under process_lock. */
struct adjustment {
	s32 now, least;
};
static DEFINE_PER_THREAD(struct adjustment, adjustment);

static void inherit(struct thread *t)
{
	u64 flags = spin_lock_irq(&process_lock);

	*per_thread(t, adjustment) = *per_thread(current_thread(), adjustment);
	spin_unlock_irq(&process_lock, flags);
}

ON_EVENT(clone, inherit);

s64 candidate_points(struct process *p, u64 total, struct candidate *c)
{
	u64 flags = spin_lock_irq(&process_lock);
	const struct address_space *as = p->space;

	*c = (struct candidate){.pid = p->pid};
	if (as) { /* so it has not ended, and has a leader */
		*c = (struct candidate){
		    .pid = p->pid,
		    .parent = p->parent->pid,
		    .is_login = p->parent == init_process && p->job.tty && p->job.session == p->pid,
		    .adjustment = per_thread(p->leader, adjustment)->now,
		    .anon = READ_ONCE(as->resident_anon),
		    .file = READ_ONCE(as->resident_file),
		    .shared = READ_ONCE(as->resident_shared),
		    .tables = READ_ONCE(as->pmap.table_frames),
		};
		strscpy(c->name, p->leader->name, sizeof(c->name));
		if (p != init_process) /* whose parent has no leader */
			strscpy(c->parent_name, p->parent->leader->name, sizeof(c->parent_name));
	}
	if (as == init_process->space || as == p->parent->space)
		as = NULL;
	spin_unlock_irq(&process_lock, flags);
	if (!as || c->adjustment == -OOM_MOST)
		return OOM_NEVER;
	return (s64)candidate_frames(c) + c->adjustment * ((s64)total / OOM_MOST);
}

/* From 0 to 2,000 * 2 / 3, as Linux scales it. */
static void show_score(struct thread *t, struct process *p, struct text *text)
{
	struct page_stats stats;
	struct candidate c;
	s64 points, total;

	page_stats_read(&stats);
	total = (s64)stats.total;
	points = candidate_points(p, stats.total, &c);
	text_printf(text, "%ld\n",
		    points == OOM_NEVER ? 0 : (1000 + points * 1000 / total) * 2 / 3);
}

static void show_adjustment(struct thread *t, struct process *p, struct text *text)
{
	text_printf(text, "%d\n", READ_ONCE(per_thread(t, adjustment)->now));
}

struct change {
	s32 to;
	bool lowers; /* may it become less than `least`? */
	int error;
};

static void change(struct thread *t, void *data)
{
	struct adjustment *a = per_thread(t, adjustment);
	struct change *c = data;

	if (c->lowers)
		a->least = c->to;
	else if (c->to < a->least)
		c->error = -EACCES;
	if (!c->error)
		WRITE_ONCE(a->now, c->to);
}

static int write_adjustment(pid_t pid, tid_t tid, const char *text, size_t length)
{
	struct change c = {.lowers = capable(CAP_SYS_RESOURCE)};
	bool minus = *text == '-';
	struct process *p;
	u64 number;

	if (parse_u64(text + (minus || *text == '+'), 10, &number) || number > OOM_MOST)
		return -EINVAL;
	p = process_find(pid);
	if (!p)
		return -ESRCH;
	c.to = minus ? -(s32)number : (s32)number;
	process_threads_visit(p, change, &c);
	process_put(p);
	return c.error;
}

PROC_PID_FILES(score_files) = {
    {.name = "oom_score_adj",
     .mode = S_IFREG | 0644,
     .per_thread = true,
     .show = show_adjustment,
     .write = write_adjustment},
    {.name = "oom_score", .mode = S_IFREG | 0444, .per_thread = true, .show = show_score},
};
