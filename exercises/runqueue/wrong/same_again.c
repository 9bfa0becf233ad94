/* SPDX-License-Identifier: MIT
 *
 * A thread that could continue continues, also when it yields or its slice is over.
 */

/* Queue `prev` if it could continue here, and take the thread that has waited longest. */
static struct thread *choose_next(struct runqueue *rq, struct thread *prev,
				  enum switch_reason reason, u64 now)
{
	struct thread *next;

	if (unlikely(thread_seed(prev)))
		choose_member(rq, prev, reason, now);
	if (!prev->is_idle && prev->state == THREAD_RUNNABLE && balance_may_stay(prev))
		return prev;
	next = runqueue_pop(rq);
	return next ? next : rq->idle;
}
