/* SPDX-License-Identifier: MIT
 *
 * Threads under a seed are not chosen by their group: the schedule is not the seed's, or none
 * goes on.
 */

/* Queue `prev` if it could continue here, and take the thread that has waited longest. */
static struct thread *choose_next(struct runqueue *rq, struct thread *prev,
				  enum switch_reason reason, u64 now)
{
	struct thread *next;

	if (!prev->is_idle && prev->state == THREAD_RUNNABLE && balance_may_stay(prev))
		runqueue_push(rq, prev, now);
	next = runqueue_pop(rq);
	return next ? next : rq->idle;
}
