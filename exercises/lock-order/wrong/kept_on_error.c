/* SPDX-License-Identifier: MIT
 *
 * On the way out with an error the locks are not released.
 */

/* Put the child and its thread into the tables and into the family.  -ERESTARTNOINTR if a signal
 * was sent to our process group, or to all processes, since begin_fork() counted `signals_before`:
 * the child was not yet a member, so the parent must take the signal and then fork again. */
static int link_process(struct process *child, struct thread *t, u64 clone_flags,
			u32 signals_before)
{
	struct thread *self = current_thread();
	struct process *p = self->process;
	u64 flags = spin_lock_irq(&process_lock), inner = spin_lock_irq(&p->signals.lock);
	bool again = signal_dying(self) || p->signals.group_signals != signals_before;
	int error = again ? -ERESTARTNOINTR : seed_inherit(t);

	if (again) {
		thread_notify(self, WORK_SIGNAL); /* even if the signal is blocked */
		return error;
	}
	spin_unlock_irq(&p->signals.lock, inner);
	if (!error) {
		child->pid = t->tid;
		child->job.group = p->job.group;
		child->job.session = p->job.session;
		child->job.tty = p->job.tty;
		child->leader = t;
		t->pmap = &child->space->pmap;
		process_link(child, clone_flags & CLONE_PARENT ? p->parent : p);
		inner = spin_lock_irq(&child->signals.lock);
		thread_link(t, child);
		spin_unlock_irq(&child->signals.lock, inner);
	}
	spin_unlock_irq(&process_lock, flags);
	return error;
}
