/* SPDX-License-Identifier: MIT */

/* Put the thread `t`, which is runnable, into a queue.  t->turn says where: TURN_NEW at the back of
 * rq->ready; TURN_REST at its front; TURN_WOKEN at the back of rq->woken.  Set `on_queue`, and note
 * in `use.queued_since_ns` that it waits since `now_ns`.  If seed_may_queue(t) is false the thread
 * waits elsewhere, and nothing more is to do (a member of a seed group whose turn it is not).
 * `queued` is the length of both queues; other CPUs read it without the lock, so write it with
 * WRITE_ONCE().  The caller holds the lock. */
static inline void runqueue_push(struct runqueue *rq, struct thread *t, u64 now_ns)
{
	assert_held(&rq->lock);
	/* Here: the thread is lost. */
}

/* Remove the first thread of rq->woken and return it, or if that is empty the first of rq->ready,
 * or NULL.  runqueue_take() removes a thread.  The caller holds the lock. */
static inline struct thread *runqueue_pop(struct runqueue *rq)
{
	assert_held(&rq->lock);
	return NULL;
}

/* The timer of the run queue at the end of a slice, on its CPU, in an interrupt.  A switch does not
 * restart it: if the running thread may run longer (up to rq->stop_ns) than the timer assumes,
 * start it again for the rest.  Otherwise, if other threads wait, set need_resched of this CPU, so
 * that the way out of the interrupt switches, and call balance_wake_any(this_cpu_id()), so that an
 * idle CPU takes one of them; then start the timer for a whole slice.  If the CPU is idle the timer
 * stops.  Set expires_ns of a timer that stops to UINT64_MAX: runqueue_arm() starts it again then. */
static void slice_expired(struct timer *timer)
{
	/* Here: a slice never ends. */
}

/* Which thread runs next on this CPU?  `prev` ran until now.  If it could continue here (it is not
 * the idle thread, it is runnable, and balance_may_run()), it goes into the queue; choose_turn()
 * has decided in which place.  The first thread of the queue runs next, or the idle thread if the
 * queue is empty.  The result may be `prev`.  The caller holds the lock. */
static struct thread *choose_next(struct runqueue *rq, struct thread *prev,
				  enum switch_reason reason, u64 now)
{
	choose_turn(rq, prev, reason, now);
	/* Threads that run under a seed (docs/seed.md) are chosen by their group. */
	if (unlikely(thread_seed(prev))) /* its group decides which member may run next */
		seed_pass_on(rq, prev, reason == SWITCH_YIELD || reason == SWITCH_MEMBER,
			     reason == SWITCH_YIELD || now >= rq->turn_end_ns, now);
	/* Here: the CPU goes idle. */
	return rq->idle;
}
