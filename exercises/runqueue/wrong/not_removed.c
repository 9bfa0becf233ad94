/* SPDX-License-Identifier: MIT
 *
 * The thread that runs next stays in the queue, so another CPU can run it, too.
 */

/* Remove and return the thread that has waited longest, or NULL.  The caller holds the lock. */
static inline struct thread *runqueue_pop(struct runqueue *rq)
{
	struct thread *t;

	if (list_empty(&rq->threads))
		return NULL;
	t = list_first(&rq->threads, struct thread, run_link);
	return t;
}
