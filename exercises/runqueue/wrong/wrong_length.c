/* SPDX-License-Identifier: MIT
 *
 * The length of the queue is not kept: no slice ends, and no other CPU helps.
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
	list_push_back(&rq->threads, &t->run_link);
	if (!rq->queued)
		WRITE_ONCE(rq->queued, 1);
}
