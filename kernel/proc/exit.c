/* SPDX-License-Identifier: MIT
 *
 * The end of threads and processes: their resources are freed, parent and children are informed.
 *
 * An exiting thread first leaves its address space and runs as a kernel thread from then on.  Then
 * it leaves its process.  The last thread frees the resources of the process, and only after that
 * the process becomes a zombie.  So when wait() reports a zombie, its memory has been freed.
 */
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/pc/power.h"
#include "kernel/ipc/futex.h"
#include "kernel/log/log.h"
#include "kernel/proc/internal.h"
#include "kernel/task/process_events.h"
#include "kernel/task/sched.h"

void thread_release_user_words(struct thread *t)
{
	struct process *p = t->process;

	process_event(leave_program, t); /* for example robust_list.c */
	/* set_tid_address(2).  Skipped if no other thread or process can see the word. */
	if (t->clear_tid_address &&
	    (READ_ONCE(p->thread_count) > 1 || refcount_read(&p->space->refs) > 1)) {
		if (put_user_u32((u32 *)t->clear_tid_address, 0) == 0)
			/* true: other processes may share the word. */
			(void)futex_wake(t->clear_tid_address, true, 1, FUTEX_BITSET_ANY);
	}
	t->clear_tid_address = 0;
}

/* From here on the thread runs as a kernel thread: it keeps the page-table root that is loaded, but
 * never uses user addresses again (pmap_switch()). */
static void leave_address_space(struct thread *t)
{
	u64 flags = irq_save();

	t->pmap = NULL;
	(void)pmap_switch(NULL);
	irq_restore(flags);
}

/* Take the calling thread out of its process and add up its resource use.  True if it was the last
 * thread.  The leader stays in the tables, because its TID is the PID. */
static bool leave_process(struct thread *t, int wait_status)
{
	struct process *p = t->process;
	u64 flags = spin_lock_irq(&process_lock), inner = spin_lock_irq(&p->signals.lock);
	struct resource_use use;
	bool last, stopped = false, unlink = t != p->leader, keep;

	t->exited = true;
	WRITE_ONCE(p->thread_count, p->thread_count - 1);
	last = !p->thread_count;
	if (last) /* decides the status of the process, unless exit_group() or a signal has */
		signal_group_exit(p, wait_status, t);
	thread_resource_use(t, &use);
	resource_use_add(&p->use.ended_threads, &use);
	p->use.ended_count++;
	if (p->stop.stopped && !last && !p->group_exiting &&
	    t->signals.stop_generation != p->stop.generation)
		stopped = --p->stop.threads_to_stop == 0;
	if (!last)
		signal_retarget(p);
	t->signals.pending = 0;
	list_remove(&t->signals.target_link);
	if (unlink)
		thread_unlink(t);
	spin_unlock_irq(&p->signals.lock, inner);
	if (stopped)
		signal_notify_change(p, CLD_STOPPED, p->stop.signal);
	keep = unlink && ptrace_on(t) && ptrace_keeps(t, wait_status); /* the TID, until the tracer waits */
	spin_unlock_irq(&process_lock, flags);
	if (READ_ONCE(p->exec.thread))
		wait_wake_all(&p->exec.wait);
	signal_flush_queue(p, &t->signals.queue);
	if (unlink) {
		if (!keep)
			tid_free(t->tid);
		/* Drop the reference of the TID hash.  Our own, as the running thread, remains
		 * until finish_switch(). */
		thread_put(t);
	}
	return last;
}

/* Free descriptors, address space, executable and working directory of `p`.  The caller is the last
 * thread of `p`.  Sleeps. */
static void release_resources(struct process *p)
{
	struct address_space *space = p->space;
	struct file_table *files = p->files;
	struct file *executable = p->executable;
	struct fs_context *fs = p->fs;
	u64 flags;

	flags = spin_lock_irq(&process_lock);
	p->use.ended_threads.peak_resident_pages =
	    MAX(p->use.ended_threads.peak_resident_pages, address_space_peak(space));
	p->space = NULL;
	p->executable = NULL;
	p->files = NULL;
	p->fs = NULL;
	spin_unlock_irq(&process_lock, flags);
	file_table_put(files);
	address_space_put(space);
	if (executable)
		file_put(executable);
	fs_context_put(fs);
	signal_flush_queue(p, &p->signals.queue);
}

/* --- The family ------------------------------------------------------------------------------- */

/* Remove a zombie that no wait() will report from the tables, and put it on the list `later`: it is
 * freed after process_lock has been released.  sibling_link is free for this, since
 * process_unlink() took `p` out of its parent's list. */
static void reap_later(struct process *p, struct list *later)
{
	process_unlink(p);
	list_push_back(later, &p->sibling_link);
}

/* The process that adopts the children of `p`: the nearest ancestor that has asked for that
 * (prctl(PR_SET_CHILD_SUBREAPER)) and is not exiting, or init.  process_lock is held. */
static struct process *reaper_of(struct process *p)
{
	return WITH_PROCESS ? process_adopter(p) : init_process;
}

/* Give `child` to the process that adopts it.  A zombie that this one ignores goes to `later`.
 * process_lock is held. */
static void reparent_child(struct process *child, struct list *later)
{
	struct process *old = child->parent, *reaper = reaper_of(old);

	list_remove(&child->sibling_link);
	child->parent = reaper;
	child->exit_signal = SIGCHLD;
	if (child->zombie) {
		list_push_front(&reaper->children, &child->sibling_link);
		/* A tracer that has not seen the end yet delays the notification. */
		if (!ptrace_on(child->leader) && signal_notify_end(child))
			reap_later(child, later);
		return;
	}
	list_push_back(&reaper->children, &child->sibling_link);
	if (child->signals.parent_death)
		(void)signal_send_process(child, child->signals.parent_death, NULL);
}

/* Reparent the children of `p`, which has no thread but the caller, so that it gets no others. */
static void leave_children(struct process *p, struct list *later)
{
	u64 flags = spin_lock_irq(&process_lock);

	for (u32 n = 1; !list_empty(&p->children); n++) {
		struct process *child = list_first(&p->children, struct process, sibling_link);

		if ((WITH_DEV && process_leaves(p, child)) ||
		    (WITH_PROCESS && process_find_adopter(p)))
			continue; /* the lock was released */
		reparent_child(child, later);
		process_lock_pause(n);
	}
	(void)(WITH_DEV && process_leaves(p, NULL));
	spin_unlock_irq(&process_lock, flags);
}

/* Make `p` a zombie: signal and wake its parent.  If no
 * wait() will report it, it goes to `later`. */
static void become_zombie(struct process *p, struct list *later)
{
	assert_held(&process_lock);
	p->zombie = true;
	p->exec.has_left_space = true;
	/* Zombies are at the front of the list, so that wait() finds one at once. */
	list_remove(&p->sibling_link);
	list_push_front(&p->parent->children, &p->sibling_link);
	if (ptrace_on(p->leader) && ptrace_keeps(p->leader, 0))
		return;
	if (signal_notify_end(p)) /* the parent will not wait */
		reap_later(p, later);
}

void process_reap(struct process *p)
{
	thread_put(p->leader);
	process_put(p); /* the reference of the tree of PIDs */
}

/* When init ends, switch the machine off; the exit status tells whether init succeeded. */
static void noreturn init_ended(struct process *p)
{
	int status = p->group_exit_code;

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
	if (WITH_PTRACE)
		ptrace_exit(wait_status);
	if (p->space)
		thread_release_user_words(t);
	leave_address_space(t);
	if (!leave_process(t, wait_status))
		thread_exit_final();
	if (p == init_process)
		init_ended(p);
	process_event(exit, p);
	release_resources(p);
	leave_children(p, &later);
	flags = spin_lock_irq(&process_lock);
	become_zombie(p, &later);
	spin_unlock_irq(&process_lock, flags);
	wait_wake_all(&p->exec.wait); /* without the lock, for there may be many */
	while ((link = list_pop_front(&later)))
		process_reap(list_entry(link, struct process, sibling_link));
	thread_exit_final();
}

void process_exit_group(int wait_status)
{
	struct process *p = current_process();
	u64 flags = spin_lock_irq(&p->signals.lock);

	/* If another thread is in exec, only this thread ends; the process goes on (execve(2)).  If
	 * the process is ending already, the first status counts. */
	if (!signal_dying(current_thread()))
		signal_group_exit(p, wait_status, current_thread());
	else if (p->group_exiting)
		wait_status = p->group_exit_code;
	spin_unlock_irq(&p->signals.lock, flags);
	thread_exit(wait_status);
}
