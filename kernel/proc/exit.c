/* SPDX-License-Identifier: MIT
 *
 * The end of threads and of processes: what they had goes back, the family is told.
 *
 * A thread that ends first leaves its address space for good (it is a kernel thread from then on),
 * then its process's count; the last one takes the process's own things down, and only then is the
 * process a zombie.  So whoever sees the zombie finds its memory free already.
 */
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/pc/power.h"
#include "kernel/ipc/futex.h"
#include "kernel/log/log.h"
#include "kernel/proc/internal.h"
#include "kernel/task/process_events.h"
#include "kernel/task/sched.h"

/* What the threads library wants of the kernel, while the thread's memory is still there. */
void thread_release_user_words(struct thread *t)
{
	struct process *p = t->process;

	process_event(leave_program, t);
	/* set_tid_address(2): only where somebody is left to see it. */
	if (t->clear_tid_address &&
	    (READ_ONCE(p->thread_count) > 1 || refcount_read(&p->space->refs) > 1)) {
		if (put_user_u32((u32 *)t->clear_tid_address, 0) == 0)
			(void)futex_wake(t->clear_tid_address, true, 1, FUTEX_BITSET_ANY);
	}
	t->clear_tid_address = 0;
}

static void leave_address_space(struct thread *t)
{
	u64 flags = irq_save();

	t->pmap = NULL;
	(void)pmap_switch(NULL);
	irq_restore(flags);
}

/* Out of the process; returns whether it was the last thread there. */
static bool leave_process(struct thread *t, int wait_status)
{
	struct process *p = t->process;
	u64 flags = spin_lock_irq(&process_lock), inner = spin_lock_irq(&p->signals.lock);
	struct resource_use use;
	bool last, stopped = false, unlink = t != p->leader;

	t->exit_code = wait_status;
	t->exited = true;
	last = --p->thread_count == 0;
	thread_resource_use(t, &use);
	resource_use_add(&p->use.ended_threads, &use);
	if (p->stop.stopped && !last && !p->group_exiting)
		stopped = --p->stop.threads_to_stop == 0;
	if (!last)
		signal_retarget(p);
	signal_flush_queue(p, &t->signals.queue);
	t->signals.pending = 0;
	if (unlink)
		thread_unlink(t);
	spin_unlock_irq(&p->signals.lock, inner);
	if (stopped)
		signal_notify_change(p, CLD_STOPPED, p->stop.signal);
	wait_wake_all(&p->exec.wait);
	spin_unlock_irq(&process_lock, flags);
	if (unlink) {
		tid_free(t->tid);
		thread_put(t); /* the table's; we run on our own */
	}
	return last;
}

/* Everything that is the process's own.  The caller is its last thread, and still runs as one. */
static void release_resources(struct process *p)
{
	struct address_space *space = p->space;
	struct file_table *files = p->files;
	struct file *executable = p->executable;
	struct inode *cwd;
	u64 flags;

	flags = spin_lock_irq(&process_lock);
	p->use.ended_threads.peak_resident_pages =
	    MAX(p->use.ended_threads.peak_resident_pages, READ_ONCE(space->peak_resident));
	p->space = NULL;
	p->executable = NULL;
	p->files = NULL;
	spin_unlock_irq(&process_lock, flags);
	file_table_put(files);
	address_space_put(space);
	if (executable)
		file_put(executable);
	flags = spin_lock_irq(&process_lock);
	p->exec.has_left_space = true;
	wait_wake_all(&p->exec.wait);
	spin_unlock_irq(&process_lock, flags);
	/* Only now: closing files could still want it. */
	mutex_lock(&p->fs.lock);
	cwd = p->fs.cwd;
	p->fs.cwd = NULL;
	mutex_unlock(&p->fs.lock);
	inode_put(cwd);
}

/* --- The family ------------------------------------------------------------------------------- */

/* POSIX, _exit(): stopped members of a group that this makes an orphan get SIGHUP and SIGCONT. */
static bool has_stopped_member(pid_t group)
{
	struct process *p;

	list_for_each (p, process_group_bucket(group), job.group_link)
		if (p->job.group == group && p->stop.stopped)
			return true;
	return false;
}

/* Nobody waits for it: out of the tables now, given back after the lock is released. */
static void reap_later(struct process *p, struct list *later)
{
	process_unlink(p);
	list_push_back(later, &p->sibling_link);
}

static void hang_up_orphans(pid_t group)
{
	struct process *p;

	if (!has_stopped_member(group))
		return;
	list_for_each (p, process_group_bucket(group), job.group_link) {
		if (p->job.group != group)
			continue;
		(void)signal_send_process(p, SIGHUP, NULL);
		(void)signal_send_process(p, SIGCONT, NULL);
	}
}

/* Init takes it over. */
static void reparent_child(struct process *child, struct list *later)
{
	struct process *old = child->parent;

	list_remove(&child->sibling_link);
	child->parent = init_process;
	child->exit_signal = SIGCHLD;
	if (child->zombie) {
		list_push_front(&init_process->children, &child->sibling_link);
		if (signal_notify_end(child))
			reap_later(child, later);
		return;
	}
	list_push_back(&init_process->children, &child->sibling_link);
	if (child->signals.parent_death)
		(void)signal_send_process(child, child->signals.parent_death, NULL);
	/* Its tie to another group of the session may have been this parent. */
	if (child->job.group != old->job.group && child->job.session == old->job.session &&
	    process_group_orphaned_locked(child->job.group, NULL))
		hang_up_orphans(child->job.group);
}

/* The zombie's children get another parent, its own parent is told. */
static void become_zombie(struct process *p, struct list *later)
{
	struct process *child, *next;
	bool was_tie;

	assert_held(&process_lock);
	was_tie = p->parent->job.group != p->job.group && p->parent->job.session == p->job.session;
	p->exit_code = p->group_exiting ? p->group_exit_code : p->leader->exit_code;
	p->zombie = true;
	list_for_each_safe (child, next, &p->children, sibling_link)
		reparent_child(child, later);
	if (was_tie && process_group_orphaned_locked(p->job.group, p))
		hang_up_orphans(p->job.group);
	/* Zombies stand in front: wait() finds one at once. */
	list_remove(&p->sibling_link);
	list_push_front(&p->parent->children, &p->sibling_link);
	if (signal_notify_end(p))
		reap_later(p, later);
}

void process_reap(struct process *p)
{
	thread_put(p->leader);
	process_put(p); /* the reference of the table of PIDs */
}

/* Process 1 is what the machine was started for. */
static void noreturn init_ended(struct process *p)
{
	int status = p->group_exiting ? p->group_exit_code : p->leader->exit_code;

	if (status & 0x7f)
		log_info("init was killed by signal %d", status & 0x7f);
	else
		log_info("init exited with status %d", status >> 8 & 0xff);
	power_off(status == 0 ? EXIT_STATUS_OK : EXIT_STATUS_INIT);
}

void thread_exit(int wait_status)
{
	struct thread *t = current_thread();
	struct process *p = t->process;
	struct list later = LIST_INIT(later), *link;
	u64 flags;

	require(t->is_user && preempt_count() == 0);
	if (p->space)
		thread_release_user_words(t);
	leave_address_space(t);
	if (!leave_process(t, wait_status))
		thread_exit_final();
	if (p == init_process)
		init_ended(p);
	process_event(exit, p);
	release_resources(p);
	flags = spin_lock_irq(&process_lock);
	become_zombie(p, &later);
	spin_unlock_irq(&process_lock, flags);
	while ((link = list_pop_front(&later)))
		process_reap(list_entry(link, struct process, sibling_link));
	thread_exit_final();
}

void process_exit_group(int wait_status)
{
	struct process *p = current_process();
	u64 flags = spin_lock_irq(&p->signals.lock);

	/* Where another thread execs, the process goes on and only this thread ends (execve(2)). */
	if (!signal_dying(current_thread()))
		signal_group_exit(p, wait_status, current_thread());
	else if (p->group_exiting)
		wait_status = p->group_exit_code;
	spin_unlock_irq(&p->signals.lock, flags);
	thread_exit(wait_status);
}
