/* SPDX-License-Identifier: MIT
 *
 * The deadline is compared, but the timer is never started: no one wakes the thread that sleeps,
 * so that it compares again.
 */

/* We set the state, then test the three conditions.  A waker sets the condition, then reads the
 * state.  So at least one of the two sees what the other did (thread_set_state()). */
int sleep_until_woken(const bool *woken, u64 deadline_ns, u32 flags)
{
	struct thread *t = current_thread();
	struct sleep_timer timer = {.thread = t};
	int result = 0;

	if (deadline_ns != WAIT_FOREVER) {
		timer_init(&timer.timer, sleep_timer_fired);
	}
	WRITE_ONCE(t->wait.flags, flags);
	for (;;) {
		thread_set_state(flags & WAIT_SIGNALS ? THREAD_SLEEPING : THREAD_BLOCKED);
		if (woken && __atomic_load_n(woken, __ATOMIC_ACQUIRE))
			break;
		if (deadline_ns != WAIT_FOREVER && clock_now_ns() >= deadline_ns) {
			result = -ETIMEDOUT;
			break;
		}
		if (thread_interrupted(flags)) {
			result = -EINTR;
			break;
		}
		schedule();
	}
	thread_set_state(THREAD_RUNNABLE);
	WRITE_ONCE(t->wait.flags, 0);
	if (deadline_ns != WAIT_FOREVER)
		timer_cancel_sync(&timer.timer);
	return result;
}
