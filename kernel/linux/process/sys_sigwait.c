/* SPDX-License-Identifier: MIT
 *
 * rt_sigtimedwait(): wait for a signal and take it, without a handler.
 */
#include "arch/x86_64/pc/clock.h"
#include "kernel/lib/errno.h"
#include "kernel/linux/deadline.h"
#include "kernel/sys/calls.h"
#include "kernel/task/internal.h"
#include "kernel/task/probe.h"

/* Wait until `deadline_ns` for a signal in `set` and take it.  Returns its number, -EAGAIN (deadline)
 * or -EINTR (another signal).  Sleeps. */
static int signal_wait(sigset_t set, struct siginfo *info, u64 deadline_ns)
{
	struct thread *t = current_thread();
	struct process *p = t->process;
	struct wait_queue queue; /* no waker uses it: only signals or the deadline end the sleep */
	u64 flags = spin_lock_irq(&p->signals.lock);
	int signal;

	set &= ~SIGNAL_UNBLOCKABLE;
	wait_queue_init(&queue, "sigwait");
	signal = signal_take(set, info);
	signal_recalculate(t); /* clear an old WORK_SIGNAL, which would end the sleep */
	/* A signal that woke us and that another thread has taken is no interruption. */
	while (!signal && deadline_ns > clock_now_ns() && !thread_interrupted(WAIT_SIGNALS)) {
		t->signals.wait_set = set;
		(void)wait_sleep_irq(&queue, &p->signals.lock, deadline_ns, WAIT_SIGNALS);
		t->signals.wait_set = 0;
		signal = signal_take(set, info);
		signal_retarget(p); /* another thread may wait for what else came */
		signal_recalculate(t);
	}
	spin_unlock_irq(&p->signals.lock, flags);
	return signal ? signal : thread_interrupted(WAIT_SIGNALS) ? -EINTR : -EAGAIN;
}

SYSCALL4(rt_sigtimedwait, user, user_info, timeout, size)
{
	struct siginfo info;
	sigset_t set;
	u64 deadline;
	int result = sigset_get(&set, user, size);

	if (!result)
		result = deadline_get(timeout, TIMESPEC, &deadline);
	if (!result)
		result = signal_wait(set, &info, deadline);
	if (result > 0 && user_info && copy_to_user((void *)user_info, &info, sizeof(info)))
		result = -EFAULT;
	return result;
}
