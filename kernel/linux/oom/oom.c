/* SPDX-License-Identifier: MIT
 *
 * Memory that has run out: a program has touched a page, and no frame is free for it.  First what
 * caches hold is given back.  If that is not enough, one process is ended: the one with the most
 * points (score.c), as on Linux.  The log says which, how large it was and why; its parent sees
 * that SIGKILL has ended it, and /proc/heddle/oom keeps the last ones.
 *
 * Only page faults come here.  A system call that finds no memory fails with ENOMEM, and no process
 * is ended for it (Linux ends one for many of these, too).
 */
#include "arch/x86_64/pc/clock.h"
#include "kernel/lib/string.h"
#include "kernel/linux/oom.h"
#include "kernel/linux/oom/oom.h"
#include "kernel/linux/proc_file.h"
#include "kernel/log/log.h"
#include "kernel/mem/page.h"
#include "kernel/task/mutex.h"
#include "kernel/task/per_thread.h"
#include "kernel/task/wait.h"
#include "kernel/vm/address_space.h"

#define ENOUGH_FRAMES	32   /* a page and its tables, for several CPUs at once */
#define WAIT_MS		5000 /* for the end of a process, which may wait for a lock of the caller's */
#define NOT_IN_A_COLUMN " \t\n\v\f\r\033\\"
#define KIB(frames)	((frames) * (PAGE_SIZE / 1024))

static struct lock_class oom_class = {"oom", 0};
static struct mutex oom_lock = MUTEX_INIT(oom_lock, &oom_class);
/* Under oom_lock: */
static struct process *victim;	 /* ends now; with a reference */
static struct candidate last[8]; /* [n % 8]: number n */
u64 oom_kills;

/* It has not ended within WAIT_MS, and is not chosen again.  Set under oom_lock. */
static DEFINE_PER_PROCESS(bool, given_up);

/* Does it give back its memory soon? */
static bool is_ending(struct process *p)
{
	return READ_ONCE(p->group_exiting) && !READ_ONCE(p->zombie) && !*per_process(p, given_up);
}

/* The process with the most points, with a reference, or NULL.  Of equals the youngest; and the
 * shell that init has started, by which a person can end others, after all others.  But if the
 * calling thread `needs` a page, it waits for any that is ending already: thousands may be, after
 * one signal to a group, and no other must be ended while they give back what they had. */
static struct process *choose(struct candidate *best, bool needs)
{
	struct process *chosen = NULL, *p;
	struct page_stats stats;
	s64 most = OOM_NEVER;

	page_stats_read(&stats);
	for (pid_t from = 1; (p = process_next(from));) {
		struct candidate c;
		s64 points;

		if (needs && is_ending(p)) {
			if (chosen)
				process_put(chosen);
			return p;
		}
		points = candidate_points(p, stats.total, &c);
		if (points != OOM_NEVER && c.is_login)
			points -= 4 * (s64)stats.total;
		from = p->pid + 1;
		if (points == OOM_NEVER || points < most || *per_process(p, given_up)) {
			process_put(p);
			continue;
		}
		if (chosen)
			process_put(chosen);
		chosen = p;
		most = points;
		*best = c;
	}
	return chosen;
}

/* End all other processes that have the memory of `p`, for it is free only then. */
static void end_sharers(const struct process *p)
{
	struct process *other;

	for (pid_t from = 2; (other = process_next(from));) {
		/* Read anew: `p` may have left it, and then another process may get it. */
		const struct address_space *space = READ_ONCE(p->space); /* only compared */

		from = other->pid + 1;
		if (other != p && space && READ_ONCE(other->space) == space) {
			log_error(
			    "out of memory: process %d has the same memory, and is ended, too",
			    other->pid);
			(void)signal_send_process(other, SIGKILL, NULL);
		}
		process_put(other);
	}
}

/* `needs`: the calling thread needs a page, and `free` frames are free; else a person has asked
 * (sysrq f). */
static void end(struct process *p, const struct candidate *c, bool needs, u64 free)
{
	last[oom_kills % ARRAY_SIZE(last)] = *c;
	WRITE_ONCE(oom_kills, oom_kills + 1);
	if (needs)
		log_error("out of memory: %lu KiB are free, and thread %d (%s) needs a page",
			  KIB(free), current_thread()->tid, current_thread()->name);
	log_error("out of memory: ended process %d (%s), which has %lu KiB: %lu of its own, %lu of "
		  "files, %lu shared, %lu page tables; oom_score_adj %d; parent %d (%s)",
		  c->pid, c->name, KIB(candidate_frames(c)), KIB(c->anon), KIB(c->file),
		  KIB(c->shared), KIB(c->tables), c->adjustment, c->parent, c->parent_name);
	end_sharers(p);
	(void)signal_send_process(p, SIGKILL, NULL);
}

static bool enough(void)
{
	return page_free_count() >= ENOUGH_FRAMES;
}

/* The process that ends now, with a reference: the one that was chosen last, or another.  NULL:
 * none can be chosen, or memory has come back while the calling thread, which `needs` it, waited
 * for the lock or chose. */
static struct process *victim_get(bool needs)
{
	struct process *v;

	mutex_lock(&oom_lock);
	if (victim && (READ_ONCE(victim->zombie) || *per_process(victim, given_up))) {
		process_put(victim);
		victim = NULL;
	}
	if (!victim && !(needs && enough())) {
		struct candidate best;
		u64 free;

		victim = choose(&best, needs);
		free = page_free_count(); /* thousands of processes take their time to look at */
		if (victim && needs && free >= ENOUGH_FRAMES) {
			process_put(victim);
			victim = NULL;
		} else if (victim && !READ_ONCE(victim->group_exiting)) {
			end(victim, &best, needs, free);
		}
	}
	v = victim;
	if (v)
		process_get(v);
	mutex_unlock(&oom_lock);
	return v;
}

static int pause_ms(u64 ms)
{
	return sleep_until(clock_now_ns() + ms * NSEC_PER_MSEC, WAIT_KILLABLE);
}

/* `v` does not end: the caller may hold the lock that it waits for.  Others may wait for the same
 * lock, so all that are ending now get no more time either.  Only the first thread that finds so
 * says it: those that come later must not give up the process that was chosen since. */
static void give_up(struct process *v)
{
	struct process *p;

	mutex_lock(&oom_lock);
	if (!*per_process(v, given_up)) {
		log_error("out of memory: process %d does not end", v->pid);
		*per_process(v, given_up) = true;
		for (pid_t from = 1; (p = process_next(from));) {
			from = p->pid + 1;
			if (READ_ONCE(p->group_exiting))
				*per_process(p, given_up) = true;
			process_put(p);
		}
	}
	mutex_unlock(&oom_lock);
}

/* Wait until `v` has freed its memory, or WAIT_MS.  The longer it takes, the more rarely this looks:
 * thousands of threads may be here, and `v` needs the CPUs. */
static enum fault_result wait_for(struct process *v)
{
	u64 ms = 0;

	while (!READ_ONCE(v->zombie) && !READ_ONCE(*per_process(v, given_up)) && !enough()) {
		u64 step = MIN(1 + ms / 4, 50UL);

		if (ms >= WAIT_MS)
			give_up(v);
		else if (pause_ms(step))
			return FAULT_SIGNAL;
		ms += step;
	}
	return FAULT_DONE;
}

enum fault_result oom_end_one(void)
{
	static u64 told_ns;
	enum fault_result result;
	struct process *v;

	page_drain_all();
	if (enough())
		return FAULT_DONE;
	v = victim_get(true);
	if (v) {
		result = v == current_process() ? FAULT_SIGNAL : wait_for(v);
		process_put(v);
		return result;
	}
	if (enough())
		return FAULT_DONE;
	/* Only init and protected processes are left: what they hold may be freed later. */
	if (clock_now_ns() - READ_ONCE(told_ns) > 10 * (u64)NSEC_PER_SEC) {
		WRITE_ONCE(told_ns, clock_now_ns());
		log_error(
		    "out of memory: thread %d (%s) waits: there is no process that may be ended",
		    current_thread()->tid, current_thread()->name);
	}
	return pause_ms(100) ? FAULT_SIGNAL : FAULT_DONE;
}

/* --- For people ------------------------------------------------------------------------------- */

static void make_oom(struct text *t)
{
	text_printf(t, "pid name parent kib own files shared tables oom_score_adj\n");
	mutex_lock(&oom_lock);
	for (u64 n = oom_kills - MIN(oom_kills, ARRAY_SIZE(last)); n < oom_kills; n++) {
		const struct candidate *c = &last[n % ARRAY_SIZE(last)];

		text_printf(t, "%d ", c->pid);
		text_escape(t, *c->name ? c->name : "-", NOT_IN_A_COLUMN);
		text_printf(t, " %d %lu %lu %lu %lu %lu %d\n", c->parent, KIB(candidate_frames(c)),
			    KIB(c->anon), KIB(c->file), KIB(c->shared), KIB(c->tables),
			    c->adjustment);
	}
	mutex_unlock(&oom_lock);
}

PROC_FILES(oom_files) = {{"heddle/oom", .make = make_oom}};

void oom_end_largest(void)
{
	struct process *v = victim_get(false);

	if (v)
		process_put(v);
}
