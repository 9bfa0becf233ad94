/* SPDX-License-Identifier: MIT */

/* The parent of `child` ends: it gets the parent reaper_of(child->parent).  process_lock is held.
 *
 * Move it from the old parent's list of children (sibling_link) to the new one's: a zombie to the
 * front, so that wait() finds it at once, a living child to the back.  Its exit_signal becomes
 * SIGCHLD.
 * - A zombie was reported to the old parent; now report it to the new one (signal_notify_end()). If
 *   that returns true, the new parent will not wait, so no wait() would ever free it: reap_later().
 *   If the child is traced (ptrace_on(child->leader)), do neither: its tracer is first.
 * - A living child may have asked for a signal at its parent's end: signals.parent_death, sent by
 *   signal_send_process(child, signal, NULL). */
static void reparent_child(struct process *child, struct list *later)
{
	/* Here: the child keeps its dead parent, and is in no list of children. */
	list_remove(&child->sibling_link);
	(void)later;
	(void)reap_later;
	(void)reaper_of;
}

/* All threads of `p` have ended, and its memory has been freed: make it a zombie.  process_lock is
 * held.  Processes that no wait() will report go to `later` (reap_later()); the caller frees them
 * after it has released the lock.
 *
 * - p->zombie is what wait() looks for.
 * - A parent in vfork() sleeps in exec.wait until exec.has_left_space is true: set it.  The caller
 *   wakes it, after it has released the lock.
 * - `p` has no children any more: leave_children() has given each a new parent.
 * - Move `p` to the front of its parent's list of children: wait() looks for zombies only there.
 * - If it is traced, and ptrace_keeps(p->leader, 0) is true, that is all: its tracer is first.
 * - signal_notify_end(p) sends the signal to the parent and wakes its wait().  If it returns true,
 * the parent will not wait: reap_later(). */
static void become_zombie(struct process *p, struct list *later)
{
	assert_held(&process_lock);
	/* Here: wait() finds the zombie if it looks at it, but the parent is not woken. */
	p->zombie = true;
	(void)later;
}

/* `p` is a zombie that has been reported, and is out of the tables: drop the references that the
 * tables held, to its leader and to the process itself.  The last reference frees it, so `p` must
 * not be used after that.  No lock is held. */
void process_reap(struct process *p)
{
	/* Here: its structures are never freed. */
	(void)p;
}

/* The calling thread ends, and leaves its CPU for ever.  It cannot free its kernel stack, on which
 * it runs: the thread that runs next does that.  finish_switch() drops the reference of the
 * previous thread if its state is THREAD_DEAD.
 *
 * Interrupts off: from the state on, a switch at any moment would be the last.  The FPU registers
 * of this CPU must not be taken for this thread's any more (this_cpu()->fpu_owner).  Trace it by
 * trace_value(TRACE_EXIT, 0).  thread_set_state(THREAD_DEAD), then schedule(), which does not
 * return. */
void thread_exit_final(void)
{
	/* Here: the thread sleeps for ever, and keeps its stack. */
	for (;;) {
		thread_set_state(THREAD_BLOCKED);
		schedule();
	}
}
