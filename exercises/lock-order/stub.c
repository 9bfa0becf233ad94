/* SPDX-License-Identifier: MIT
 *
 * Exercise `lock-order`: these functions stand in place of those of kernel/proc/fork.c and
 * kernel/ipc/futex.c.  As they are, fork() fails with -ENOSYS, so init cannot start a program.
 */

/* Put the child, which copy_process() has made, and its first thread `t` into the tables and into
 * the family.  The locks: docs/rooms/sync.md has the order of all.  Both are taken by interrupt
 * handlers, so spin_lock_irq() takes them.
 *
 * 1. process_lock is held from the beginning to the end: the family and the tables.
 * 2. Under p->signals.lock (p: the process of the calling thread), as well: if
 *    signal_dying(current_thread()), or if p->signals.group_signals is not `signals_before`, the
 *    answer is -ERESTARTNOINTR, and thread_notify(current_thread(), WORK_SIGNAL) makes sure that
 * the call begins again even if the signal is blocked.  A signal to our group has come while we
 * copied; the child is not a member yet and would miss it, so the parent takes the signal and forks
 * again.
 * 3. Else seed_inherit(t), which may fail with -ENOMEM.  It needs process_lock alone.
 * 4. Else the child gets what it has from us: pid = t->tid; job.group, job.session and job.tty as
 * p; leader = t; and t->pmap = &child->space->pmap.
 * 5. process_link(child, parent): the parent is p, or p->parent if clone_flags has CLONE_PARENT.
 * 6. Under child->signals.lock: thread_link(t, child).  Never hold two locks of this class.
 *
 * Returns 0 or the error.  No lock is held on return. */
static int link_process(struct process *child, struct thread *t, u64 clone_flags,
			u32 signals_before)
{
	return -ENOSYS;
}

/* Take the locks of two buckets, which may be one and the same, for a requeue from the first to the
 * second.  Another thread may requeue from the second to the first at the same time.  The checker
 * refuses two locks of one class, unless the second is taken by spin_lock_nested(): with that the
 * caller says that it knows an order of the two. */
static void bucket_lock_two(struct futex_bucket *a, struct futex_bucket *b)
{
	spin_lock(&a->lock);
	spin_lock(&b->lock);
}
