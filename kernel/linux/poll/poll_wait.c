/* SPDX-License-Identifier: MIT
 *
 * Waiting on many queues at once.
 */
#include "kernel/linux/poll/poll_wait.h"

#include "kernel/task/sched.h"

/* Called under the lock of the queue that is woken, in any context.  The thread takes that lock in
 * poll_entries_release() before its stack, on which *w lies, is used for something else. */
static void poll_wake(struct waiter *waiter)
{
	struct poll_waits *w = container_of(container_of(waiter, struct poll_entry, waiter)->all,
					    struct poll_waits, entries);

	/* If it was true, the waker that made it true wakes the thread. */
	if (!__atomic_exchange_n(&w->triggered, true, __ATOMIC_SEQ_CST))
		thread_wake(waiter->thread);
}

void poll_waits_init(struct poll_waits *w)
{
	*w = (struct poll_waits){0};
	poll_entries_init(&w->entries, poll_wake);
}

int poll_waits_sleep(struct poll_waits *w, u64 deadline_ns)
{
	struct thread *t = current_thread();
	int result;

	might_sleep();
	t->wait.name = "poll";
	result = sleep_until_woken(&w->triggered, deadline_ns, WAIT_SIGNALS);
	t->wait.name = NULL;
	/* A full barrier: the caller looks at the files after this, so it sees what changed before
	 * a wake-up that finds `triggered` still true. */
	return __atomic_exchange_n(&w->triggered, false, __ATOMIC_SEQ_CST) ? 0 : result;
}
