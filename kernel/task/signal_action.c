/* SPDX-License-Identifier: MIT
 *
 * Signal actions and masks: sigaction(), sigprocmask(), sigsuspend().
 */
#include "kernel/lib/errno.h"
#include "kernel/task/internal.h"

/* --- The calling thread ----------------------------------------------------------------------- */

void signal_set_mask_locked(struct thread *t, sigset_t mask)
{
	sigset_t blocked = mask & ~t->signals.mask;

	t->signals.mask = mask & ~SIGNAL_UNBLOCKABLE;
	/* A signal of the process that we have just blocked: another thread may be able to take
	 * it. */
	if (t->process->signals.pending & blocked)
		signal_retarget(t->process);
	signal_recalculate(t);
}

void signal_set_mask(sigset_t mask)
{
	struct thread *t = current_thread();
	u64 flags = spin_lock_irq(&t->process->signals.lock);

	signal_set_mask_locked(t, mask);
	spin_unlock_irq(&t->process->signals.lock, flags);
}

void signal_set_temporary_mask(sigset_t mask)
{
	struct thread *t = current_thread();
	u64 flags = spin_lock_irq(&t->process->signals.lock);

	t->signals.saved_mask = t->signals.mask;
	__atomic_fetch_or(&t->pending_work, WORK_RESTORE_MASK, __ATOMIC_SEQ_CST);
	signal_set_mask_locked(t, mask);
	spin_unlock_irq(&t->process->signals.lock, flags);
}

int signal_action(int signal, const struct sigaction *new_action, struct sigaction *old_action)
{
	struct process *p = current_process();
	struct signal_actions *a = p->signals.actions; /* the same while we live */
	typeof(&a->of[0]) of;
	struct thread_signals place = {0};
	bool discard = false;
	u64 flags;

	if (signal < 1 || signal > SIGNAL_COUNT ||
	    (new_action && SIGNAL_BIT(signal) & SIGNAL_UNBLOCKABLE))
		return -EINVAL;
	of = &a->of[signal - 1];
	flags = spin_lock_irq(&a->lock);
	if (old_action)
		*old_action = signal_action_get(a, signal);
	if (new_action) {
		WRITE_ONCE(of->handler, new_action->handler);
		of->restorer = new_action->restorer;
		of->mask = new_action->mask & ~SIGNAL_UNBLOCKABLE;
		a->flags[signal - 1] = (u32)new_action->flags;
		WRITE_ONCE(a->set, a->set | SIGNAL_BIT(signal));
		discard = of->handler == SIG_IGN ||
			  (of->handler == SIG_DFL && SIGNAL_BIT(signal) & SIGNAL_IGNORE_SET);
	}
	spin_unlock_irq(&a->lock, flags);
	/* Setting a signal to be ignored discards it if it is pending (POSIX 2.4.3).  A sender that
	 * has not seen the new action has queued it before we have the lock.  If another thread has
	 * set another action since, a signal may have come that is meant for that one: it stays. */
	while (discard) {
		flags = spin_lock_irq(&p->signals.lock);
		if (!place.target_link.next)
			list_push_front(&p->signals.targets, &place.target_link);
		discard = READ_ONCE(of->handler) == new_action->handler &&
			  signal_discard(p, SIGNAL_BIT(signal), &place);
		if (!discard)
			list_remove(&place.target_link);
		spin_unlock_irq(&p->signals.lock, flags);
	}
	return 0;
}
