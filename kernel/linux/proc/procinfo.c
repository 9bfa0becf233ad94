/* SPDX-License-Identifier: MIT
 *
 * The files of /proc/PID in the formats of Linux (proc(5)).  Those about memory are in
 * procinfo_memory.c, /proc/heddle/PID is in procinfo_ledger.c and kernel/watch/counters.
 */
#include "kernel/proc/inspect.h"
#include "kernel/lib/abi.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/format.h"
#include "kernel/lib/string.h"
#include "kernel/linux/proc/procinfo.h"
#include "kernel/fs/file_table.h"
#include "kernel/linux/proc/usage.h"
#include "kernel/linux/process_parts.h"
#include "kernel/linux/tracer.h"
#include "kernel/linux/rights.h"
#include "kernel/linux/sched_attributes.h"
#include "kernel/mem/slab.h"
#include "kernel/task/internal.h"
#include "kernel/task/probe.h"
#include "kernel/vm/address_space.h"

#define TICK_NS ((u64)NSEC_PER_SEC / 100) /* unit of utime, stime, starttime */

/* --- Finding ---------------------------------------------------------------------------------- */

/* Find a thread by a number of its process and its TID (0: the thread with the first number, which
 * is the leader or, as on Linux, another thread).  The caller gets a reference.  NULL if it has
 * ended. */
static struct thread *find(pid_t pid, tid_t tid)
{
	struct thread *t = thread_find(tid ? tid : pid);
	struct process *p = process_find(pid);

	if (p)
		process_put(p);
	if (t && t->process != p) {
		thread_put(t);
		return NULL;
	}
	return t;
}

static int make_of_thread(const struct proc_pid_file *file, pid_t pid, tid_t tid, struct text *text)
{
	struct thread *t = find(pid, tid);

	if (!t)
		return -ESRCH;
	if (tid && file->show_thread)
		file->show_thread(t, t->process, text);
	else
		file->show(t, t->process, text);
	thread_put(t);
	return 0;
}

static int make_of_space(const struct proc_pid_file *file, pid_t pid, struct text *text)
{
	struct process *p = process_find(pid);
	struct address_space *as;

	if (!p)
		return -ESRCH;
	as = process_space_get(p);
	process_put(p);
	if (as) {
		file->show_space(as, text);
		address_space_put(as);
	}
	return 0;
}

int procinfo_make(const struct proc_pid_file *file, pid_t pid, tid_t tid, struct text *text)
{
	if (file->show)
		return make_of_thread(file, pid, tid, text);
	if (file->show_space)
		return make_of_space(file, pid, text);
	return file->make(pid, tid, text);
}

/* --- stat, status ----------------------------------------------------------------------------- */

struct signal_sets {
	sigset_t own, shared, blocked, ignored, caught;
	u64 queued;
};

static void signal_sets_read(struct thread *t, struct process *p, struct signal_sets *s)
{
	u64 flags = spin_lock_irq(&p->signals.lock);

	*s = (struct signal_sets){.own = signal_own(t),
				  .shared = p->signals.pending,
				  .blocked = t->signals.mask,
				  .queued = queued_signals(p)};
	for (sigset_t left = READ_ONCE(p->signals.actions->set); left; left &= left - 1) {
		u32 i = (u32)__builtin_ctzl(left);
		u64 handler = READ_ONCE(p->signals.actions->of[i].handler);

		s->ignored |= (sigset_t)(handler == SIG_IGN) << i;
		s->caught |= (sigset_t)(handler > SIG_IGN) << i;
	}
	spin_unlock_irq(&p->signals.lock, flags);
}

static char state_letter(const struct thread *t, const struct process *p)
{
	if (t->exited || p->zombie)
		return 'Z';
	if (is_tracing_stop(t))
		return 't';
	/* The parent learns of a stop a moment before the last thread sleeps in it. */
	if (READ_ONCE(p->stop.stopped) && !READ_ONCE(p->stop.threads_to_stop))
		return 'T';
	return thread_state_letter(t);
}

static const char *state_word(char letter)
{
	static const char *const words[] = {"R (running)", "S (sleeping)",     "D (disk sleep)",
					    "T (stopped)", "t (tracing stop)", "Z (zombie)"};

	for (u32 i = 0; i < ARRAY_SIZE(words); i++)
		if (words[i][0] == letter)
			return words[i];
	return "X (dead)";
}

/* Fields of a process that are read together under process_lock. */
struct family {
	pid_t parent, group, session, foreground;
	u64 tty;
	u32 threads;
	int umask; /* -1: a zombie has none */
	struct resource_use children;
};

static void family_read(struct process *p, struct family *f)
{
	u64 flags = spin_lock_irq(&process_lock);

	*f = (struct family){.parent = p->parent ? p->parent->pid : 0,
			     .group = p->job.group,
			     .session = p->job.session,
			     .foreground = WITH_DEV && p->job.tty ? tty_foreground(p->job.tty) : -1,
			     .tty = WITH_DEV && p->job.tty ? tty_number(p->job.tty) : 0,
			     .threads = p->thread_count + p->leader->exited,
			     .umask = p->fs ? (int)READ_ONCE(p->fs->umask) : -1,
			     .children = p->use.children};
	spin_unlock_irq(&process_lock, flags);
}

/* The 52 fields of proc(5).  `whole`: sums over all threads, not the values of `t`. */
static void show_stat_of(struct thread *t, struct process *p, struct text *text, bool whole)
{
	static const struct address_space none; /* what a zombie has */
	struct address_space *as = process_space_get(p);
	const struct address_space *m = as ?: &none;
	struct signal_sets s;
	struct resource_use own;
	struct family f;
	int nice = sched_attributes_of(t)->nice;
	u64 user, kernel;

	family_read(p, &f);
	signal_sets_read(t, p, &s);
	if (whole) {
		process_resource_use(p, &own);
		user = own.user_ns;
		kernel = own.kernel_ns;
	} else {
		thread_times(t, &user, &kernel);
	}
	text_printf(text, "%d (%s) %c ", t->tid, t->name, state_letter(t, p));
	/* There are no major faults, since nothing is read from a disk. */
	const s64 to_24[] = {f.parent,
			     f.group,
			     f.session,
			     f.tty,
			     f.foreground,
			     0,
			     whole ? own.minor_faults : t->use.counted.minor_faults,
			     f.children.minor_faults,
			     0,
			     0,
			     user / TICK_NS,
			     kernel / TICK_NS,
			     f.children.user_ns / TICK_NS,
			     f.children.kernel_ns / TICK_NS,
			     20 + nice,
			     nice,
			     f.threads,
			     0,
			     t->use.started_ns / TICK_NS,
			     m->mapped_bytes,
			     address_space_resident(m)};
	const s64 from_26[] = {m->layout.code_start,
			       m->layout.code_end,
			       m->layout.stack_start,
			       0,
			       0,
			       s.own & 0x7fffffff,
			       s.blocked & 0x7fffffff,
			       s.ignored & 0x7fffffff,
			       s.caught & 0x7fffffff,
			       0,
			       0,
			       0,
			       p->exit_signal,
			       READ_ONCE(t->cpu),
			       0,
			       0,
			       0,
			       0,
			       0,
			       m->layout.data_start,
			       m->layout.data_end,
			       m->layout.brk_start,
			       m->layout.arg_start,
			       m->layout.arg_end,
			       m->layout.env_start,
			       m->layout.env_end};
	text_fields(text, to_24, ARRAY_SIZE(to_24));
	text_decimal(text, process_limit(p, RLIMIT_RSS), ' ');
	text_fields(text, from_26, ARRAY_SIZE(from_26));
	text_decimal(text, p->zombie ? p->group_exit_code : 0, '\n');
	if (as)
		address_space_put(as);
}

static void show_stat(struct thread *t, struct process *p, struct text *text)
{
	show_stat_of(t, p, text, true);
}

static void show_thread_stat(struct thread *t, struct process *p, struct text *text)
{
	show_stat_of(t, p, text, false);
}

static int add_locked(struct region *r, void *sum)
{
	*(u64 *)sum += r->advice & REGION_LOCKED ? r->end - r->start : 0;
	return 0;
}

static void show_memory(struct address_space *as, struct text *text)
{
	u64 locked = 0;

	(void)address_space_for_each(as, add_locked, &locked);
	text_printf(text, "VmLck:\t%8lu kB\n", locked / 1024);
	text_printf(text, "VmPeak:\t%8lu kB\nVmSize:\t%8lu kB\nVmHWM:\t%8lu kB\nVmRSS:\t%8lu kB\n",
		    READ_ONCE(as->peak_mapped_bytes) / 1024, READ_ONCE(as->mapped_bytes) / 1024,
		    address_space_peak(as) * 4, address_space_resident(as) * 4);
	text_printf(text, "RssAnon:\t%8lu kB\nRssFile:\t%8lu kB\nRssShmem:\t%8lu kB\n",
		    READ_ONCE(as->resident_anon) * 4, READ_ONCE(as->resident_file) * 4,
		    READ_ONCE(as->resident_shared) * 4);
	text_printf(text, "VmData:\t%8lu kB\nVmPTE:\t%8lu kB\nVmSwap:\t%8u kB\n",
		    READ_ONCE(as->data_bytes) / 1024, READ_ONCE(as->pmap.table_frames) * 4, 0);
}

static void show_affinity(const struct thread *t, struct text *text)
{
	const char *comma = "";

	/* Ranges of CPUs that exist. */
	text_printf(text, "Cpus_allowed_list:\t");
	for (u32 cpu = cpumask_next(&t->affinity, 0); cpu < cpu_count;) {
		u32 last = cpu;

		while (last + 1 < cpu_count && cpumask_test(&t->affinity, last + 1))
			last++;
		text_printf(text, last > cpu ? "%s%u-%u" : "%s%u", comma, cpu, last);
		comma = ",";
		cpu = cpumask_next(&t->affinity, last + 1);
	}
	text_printf(text, "\n");
}

/* A newline in the name must not begin a line. */
static void show_name(struct thread *t, struct text *text)
{
	text_write(text, "Name:\t", 6);
	for (const char *c = t->name; *c; c++) {
		if (*c == '\n' || *c == '\\')
			text_write(text, "\\", 1);
		text_write(text, *c == '\n' ? "n" : c, 1);
	}
	text_write(text, "\n", 1);
}

static void show_status(struct thread *t, struct process *p, struct text *text)
{
	struct address_space *as = process_space_get(p);
	const struct credentials *c = &t->credentials;
	struct signal_sets s;
	struct family f;

	family_read(p, &f);
	signal_sets_read(t, p, &s);
	show_name(t, text);
	if (f.umask >= 0)
		text_printf(text, "Umask:\t%04o\n", (u32)f.umask);
	text_printf(text, "State:\t%s\nTgid:\t%d\nPid:\t%d\nPPid:\t%d\n",
		    state_word(state_letter(t, p)), p->pid, t->tid, f.parent);
	text_printf(text, "TracerPid:\t%d\nUid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\n",
		    tracer_of(t), READ_ONCE(c->uid), READ_ONCE(c->euid), READ_ONCE(c->suid),
		    READ_ONCE(c->fsuid), READ_ONCE(c->gid), READ_ONCE(c->egid),
		    READ_ONCE(c->sgid), READ_ONCE(c->fsgid));
	show_groups(t, text);
	if (as) {
		show_memory(as, text);
		address_space_put(as);
	}
	text_printf(text, "Threads:\t%u\nSigQ:\t%lu/%lu\n", f.threads, s.queued,
		    process_limit(p, RLIMIT_SIGPENDING));
	text_printf(text, "SigPnd:\t%016lx\nShdPnd:\t%016lx\nSigBlk:\t%016lx\n", s.own, s.shared,
		    s.blocked);
	text_printf(text, "SigIgn:\t%016lx\nSigCgt:\t%016lx\n", s.ignored, s.caught);
	show_capabilities(t, text);
	show_affinity(t, text);
	text_printf(text, "voluntary_ctxt_switches:\t%lu\nnonvoluntary_ctxt_switches:\t%lu\n",
		    READ_ONCE(t->use.counted.voluntary_switches),
		    READ_ONCE(t->use.counted.forced_switches));
}

static void show_comm(struct thread *t, struct process *p, struct text *text)
{
	text_printf(text, "%s\n", t->name);
}

static void show_schedstat(struct thread *t, struct process *p, struct text *text)
{
	u64 user, kernel;

	thread_times(t, &user, &kernel);
	text_printf(text, "%lu %lu %lu\n", user + kernel, READ_ONCE(t->use.queued_ns),
		    READ_ONCE(t->use.counted.voluntary_switches) +
			READ_ONCE(t->use.counted.forced_switches));
}

static void show_wchan(struct thread *t, struct process *p, struct text *text)
{
	const char *name = READ_ONCE(t->wait.name);

	text_printf(text, "%s", name ? name : "0");
}

/* --- Files ------------------------------------------------------------------------------------ */

static int make_cwd(pid_t pid, tid_t tid, struct text *text)
{
	struct process *p = process_find(pid);
	struct inode *inode;
	ssize_t n;
	char *path;

	if (!p)
		return -ESRCH;
	inode = process_directory_get(p);
	process_put(p);
	if (!inode)
		return -ESRCH;
	path = kmalloc(PATH_MAX);
	n = path ? vfs_path_of(inode, path, PATH_MAX) : -ENOMEM;
	if (n > 0)
		text_printf(text, "%s", path);
	kfree(path);
	inode_put(inode);
	return n < 0 ? (int)n : 0;
}

static int make_root(pid_t pid, tid_t tid, struct text *text)
{
	text_printf(text, "/");
	return 0;
}

static struct file *follow_exe(pid_t pid, tid_t tid)
{
	struct process *p = process_find(pid);
	struct file *file = NULL;
	u64 flags;

	if (!p)
		return ERR_PTR(-ENOENT);
	flags = spin_lock_irq(&process_lock);
	if (p->executable) {
		file = p->executable;
		file_get(file);
	}
	spin_unlock_irq(&process_lock, flags);
	process_put(p);
	return file ?: ERR_PTR(-ENOENT);
}

/* --- The list --------------------------------------------------------------------------------- */

#define LINK_MODE (S_IFLNK | 0777)

PROC_PID_FILES(pid_files) = {
    {.name = "stat",
     .mode = FILE_MODE,
     .per_thread = true,
     .show = show_stat,
     .show_thread = show_thread_stat},
    {.name = "status", .mode = FILE_MODE, .per_thread = true, .show = show_status},
    {.name = "comm", .mode = FILE_MODE, .per_thread = true, .show = show_comm},
    {.name = "schedstat", .mode = FILE_MODE, .per_thread = true, .show = show_schedstat},
    {.name = "wchan", .mode = FILE_MODE, .per_thread = true, .show = show_wchan},
    {.name = "exe", .mode = LINK_MODE, .per_thread = true, .follow = follow_exe},
    {.name = "cwd", .mode = LINK_MODE, .per_thread = true, .make = make_cwd},
    {.name = "root", .mode = LINK_MODE, .per_thread = true, .make = make_root},
    {.name = "fd", .mode = S_IFDIR | 0500, .per_thread = true},
};

/* --- Walking over processes ------------------------------------------------------------------- */

pid_t procinfo_next_pid(pid_t from)
{
	struct process *p = process_next(from);
	pid_t pid = p ? p->pid : -1;

	if (p)
		process_put(p);
	return pid;
}

bool procinfo_exists(tid_t tid)
{
	struct process *p = process_find(tid);

	if (p)
		process_put(p);
	return p;
}

bool procinfo_same_process(tid_t a, tid_t b)
{
	struct process *p = process_find(a), *q = process_find(b);
	bool same = p && p == q;

	if (p)
		process_put(p);
	if (q)
		process_put(q);
	return same;
}

tid_t procinfo_next_tid(pid_t pid, tid_t after)
{
	struct process *p = process_find(pid);
	struct thread *last = after ? thread_find(after) : NULL, *t;
	tid_t next = -1;
	u64 flags;

	if (p) {
		flags = spin_lock_irq(&process_lock);
		if (!after || (last && last->process == p && !list_empty(&last->process_link))) {
			struct list *link = after ? &last->process_link : &p->threads;

			if (link->next != &p->threads)
				next = container_of(link->next, struct thread, process_link)->tid;
		} else { /* it has ended since */
			list_for_each (t, &p->threads, process_link)
				if (t->tid > after && (next < 0 || t->tid < next))
					next = t->tid;
		}
		spin_unlock_irq(&process_lock, flags);
		process_put(p);
	}
	if (last)
		thread_put(last);
	return next;
}

struct file_table *procinfo_files(pid_t pid)
{
	struct process *p = process_find(pid);
	struct file_table *files = p ? process_files_get(p) : NULL;

	if (p)
		process_put(p);
	return files;
}

int procinfo_next_fd(struct file_table *t, u32 fd)
{
	return fd_next(t, &fd) ? (int)fd : -1;
}
