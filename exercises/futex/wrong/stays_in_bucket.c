/* SPDX-License-Identifier: MIT
 *
 * After a timeout the waiter stays in the bucket: it lies on a stack frame that is gone, and the
 * next waker writes there.
 */

int futex_waiter_sleep(struct futex_waiter *w, u64 deadline_ns)
{
	int error;

	current_thread()->wait.name = "futex";
	error = sleep_until_woken(&w->woken, deadline_ns, WAIT_SIGNALS);
	current_thread()->wait.name = NULL;
	return error;
}
