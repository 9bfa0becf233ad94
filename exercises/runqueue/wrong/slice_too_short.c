/* SPDX-License-Identifier: MIT
 *
 * The end of a slice comes at a fixed time, whenever the running thread began.
 */

/* The timer at the end of a slice.  A switch does not restart it, which would cost more than the
 * switch: if the running thread began later than the timer assumes, the timer waits for the rest.
 * On an idle CPU it stops. */
static void slice_expired(struct timer *timer)
{
	struct runqueue *rq = container_of(timer, struct runqueue, slice);
	u64 now = clock_now_ns();

	if (current_thread()->is_idle)
		return;
	if (READ_ONCE(rq->queued)) {
		this_cpu()->need_resched = 1;
		balance_wake_any(this_cpu_id());
	}
	timer_start(timer, now + sched_slice_ns() / 8);
}
