/* SPDX-License-Identifier: MIT
 *
 * The deadline is not passed on: the thread waits for ever.
 */

int futex_waiter_sleep(struct futex_waiter *w, u64 deadline_ns)
{
	int error;

	current_thread()->wait.name = "futex";
	error = sleep_until_woken(&w->woken, WAIT_FOREVER, WAIT_SIGNALS);
	current_thread()->wait.name = NULL;
	return futex_waiter_end(w) ? 0 : error;
}
