/* SPDX-License-Identifier: MIT
 *
 * Selects the threads that run under the seeded scheduler (seed.h): all of user space by
 * sched_seed=N on the command line, one process by writing N to /proc/PID/sched_seed or a schedule
 * to /proc/PID/sched_schedule.
 */
#include "boot/cmdline.h"
#include "kernel/fs/vfs.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/linux/proc_file.h"
#include "kernel/task/internal.h"
#include "kernel/watch/seed/schedule.h"
#include "kernel/watch/seed/seed.h"

/* With sched_seed=N, put init into a group.  Its descendants join, so all of user space does. */
void seed_first(struct thread *t)
{
	u64 seed = cmdline_get_u64("sched_seed", 0), flags;
	struct seed_group *g = seed ? seed_group_create(seed) : NULL;

	if (!seed)
		return;
	flags = spin_lock_irq(&process_lock);
	if (!g || seed_member_create(t))
		panic("no memory for sched_seed");
	seed_move(t, g);
	spin_unlock_irq(&process_lock, flags);
	seed_group_put(g);
}

static struct seed_group *group_of(struct process *p)
{
	u64 flags = spin_lock_irq(&process_lock);
	struct seed_group *g = NULL;

	/* All threads of a process are in one group.  A process that has been reaped has no
	 * threads, not even its leader. */
	if (!list_empty(&p->threads))
		g = seed_group_of(list_first(&p->threads, struct thread, process_link));
	if (g)
		seed_group_get(g);
	spin_unlock_irq(&process_lock, flags);
	return g;
}

/* Move all threads of a process to a group (NULL: to none).  0, or -ENOMEM and nothing has changed.
 * If the caller is one of them it joins first, so that it becomes the holder. */
static int process_seed(struct process *p, struct seed_group *g)
{
	struct thread *self = current_thread(), *t;
	struct seed_group *old = group_of(p);
	u64 flags = spin_lock_irq(&process_lock);
	int error = 0;

	list_for_each (t, &p->threads, process_link)
		error = error ?: seed_member_create(t);
	if (!error && self->process == p)
		seed_move(self, g);
	list_for_each (t, &p->threads, process_link)
		if (!error && t != self)
			seed_move(t, g);
	spin_unlock_irq(&process_lock, flags);
	if (old)
		seed_group_put(old);
	return error;
}

static int make_sched_seed(pid_t pid, tid_t tid, struct text *text)
{
	struct process *p = process_find(pid);
	struct seed_counters c = {0};
	struct seed_group *g;

	if (!p)
		return -ESRCH;
	g = group_of(p);
	process_put(p);
	if (g)
		seed_read(g, &c);
	text_printf(text, "seed %lu\nsteps %lu\nswitches %lu\nhash 0x%016lx\nholder %d\n",
		    g ? g->seed : 0, c.steps, c.switches, c.hash, c.holder);
	if (g)
		seed_group_put(g);
	return 0;
}

static int write_sched_seed(pid_t pid, tid_t tid, const char *value, size_t length)
{
	struct seed_group *g = NULL;
	struct process *p;
	u64 seed;
	int error = parse_u64(value, 10, &seed);

	if (error)
		return error;
	p = process_find(pid);
	if (!p)
		return -ESRCH;
	if (seed)
		g = seed_group_create(seed);
	error = seed && !g ? -ENOMEM : process_seed(p, g);
	process_put(p);
	if (g)
		seed_group_put(g);
	return error;
}

/* --- Schedules -------------------------------------------------------------------------------- */

/* The group of the process, with a reference, if it has a schedule; else ERR_PTR. */
static struct seed_group *scheduled_group(pid_t pid)
{
	struct process *p = process_find(pid);
	struct seed_group *g = p ? group_of(p) : NULL;

	if (!p)
		return ERR_PTR(-ESRCH);
	process_put(p);
	if (g && !g->schedule) {
		seed_group_put(g);
		g = NULL;
	}
	return g ?: ERR_PTR(-ENOENT);
}

static int make_schedule(pid_t pid, tid_t tid, struct text *text)
{
	struct seed_group *g = scheduled_group(pid);
	struct seed_counters c;

	if (IS_ERR(g)) {
		text_printf(text, "strategy none\n");
		return PTR_ERR(g) == -ESRCH ? -ESRCH : 0;
	}
	seed_read(g, &c);
	text_printf(text,
		    "strategy %s\npoints %lu\nswitches %lu\nhash 0x%016lx\nholder %d\nschedule",
		    schedule_strategy(g->schedule), c.steps, c.switches, c.hash, c.holder);
	schedule_write(g->schedule, text);
	text_printf(text, "\n");
	seed_group_put(g);
	return 0;
}

static int make_decisions(pid_t pid, tid_t tid, struct text *text)
{
	struct seed_group *g = scheduled_group(pid);

	if (IS_ERR(g))
		return PTR_ERR(g) == -ESRCH ? -ESRCH : 0;
	schedule_write_decisions(g->schedule, text);
	seed_group_put(g);
	return 0;
}

/* Put the process into a new group with a schedule. */
static int start_schedule(struct process *p, const char *value)
{
	struct schedule *s = schedule_create(value);
	struct seed_group *g;
	int error;

	if (IS_ERR(s))
		return (int)PTR_ERR(s);
	g = seed_group_create(1);
	if (!g) {
		schedule_free(s);
		return -ENOMEM;
	}
	g->schedule = s;
	error = process_seed(p, g);
	seed_group_put(g);
	return error;
}

/* "yield": the next decision of the calling thread prefers another member.  "add WORD...": more of
 * the list that is replayed, before the first thread has been created.  Otherwise a schedule. */
static int write_schedule(pid_t pid, tid_t tid, const char *value, size_t length)
{
	struct thread *self = current_thread();
	struct seed_group *g;
	struct process *p;
	int error;

	if (!strcmp(value, "yield")) {
		if (self->process->pid != pid || !thread_seed(self))
			return -EINVAL;
		self->seed->yields = true;
		return 0;
	}
	if (!strncmp(value, "add ", 4)) {
		g = scheduled_group(pid);
		if (IS_ERR(g))
			return (int)PTR_ERR(g);
		error = schedule_add(g->schedule, value + 4);
		seed_group_put(g);
		return error;
	}
	p = process_find(pid);
	if (!p)
		return -ESRCH;
	error = start_schedule(p, value);
	process_put(p);
	return error;
}

PROC_PID_FILES(files) = {
    {.name = "sched_seed",
     .mode = S_IFREG | 0644,
     .make = make_sched_seed,
     .write = write_sched_seed},
    {.name = "sched_schedule",
     .mode = S_IFREG | 0644,
     .make = make_schedule,
     .write = write_schedule},
    {.name = "sched_decisions", .mode = S_IFREG | 0444, .make = make_decisions},
};
