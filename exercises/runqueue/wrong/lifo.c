/* SPDX-License-Identifier: MIT
 *
 * The thread that came last runs first: the others may wait for ever.
 */

/* Append a runnable thread, and remove it again.  A member of a seed group that is not the holder
 * of the group waits in a list of the group instead.  The caller holds the lock. */
static inline void runqueue_push(struct runqueue *rq, struct thread *t, u64 now_ns)
{
	assert_held(&rq->lock);
	assert(!t->on_queue && t->state == THREAD_RUNNABLE);
	t->on_queue = true;
	t->use.queued_since_ns = now_ns;
	if (!seed_may_queue(t))
		return;
	list_push_front(&rq->threads, &t->run_link);
	WRITE_ONCE(rq->queued, rq->queued + 1);
}
