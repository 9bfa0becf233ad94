/* SPDX-License-Identifier: MIT
 *
 * The CPU goes idle after a thread that sleeps, although others wait; the end of a slice finds
 * them.
 */

/* Queue `prev` if it could continue here, and take the thread that has waited longest. */
static struct thread *choose_next(struct runqueue *rq, struct thread *prev,
				  enum switch_reason reason, u64 now)
{
	struct thread *next;

	if (unlikely(thread_seed(prev)))
		choose_member(rq, prev, reason, now);
	if (!prev->is_idle && prev->state == THREAD_RUNNABLE && balance_may_stay(prev))
		runqueue_push(rq, prev, now);
	if (prev->state != THREAD_RUNNABLE)
		return rq->idle;
	next = runqueue_pop(rq);
	return next ? next : rq->idle;
}
