/* SPDX-License-Identifier: MIT
 *
 * Waking threads: out of a sleep, out of user mode, and for the first time.
 */
#include "arch/x86_64/pc/clock.h"
#include "arch/x86_64/pc/smp.h"
#include "kernel/task/probe.h"
#include "kernel/task/runqueue.h"

u64 threads_started;

/* Set *woken_flag, unless it is NULL, and make the thread runnable if its state is in `states`, a
 * bit for each.  The thread changes its state without the lock and may already be past this sleep;
 * if the state has changed since we read it, nothing happens. */
static __always_inline bool wake_if(struct thread *t, u32 states, bool *woken_flag)
{
	u64 flags = irq_save(), now;
	struct runqueue *rq = runqueue_lock_of(t);
	enum thread_state state;
	bool woken;

	/* Full barrier: the flag must be visible before the state is read.  Pairs with
	 * thread_set_state().  The flag may be gone now; the thread is not, since its last switch
	 * takes the lock that we hold. */
	if (woken_flag)
		(void)__atomic_exchange_n(woken_flag, true, __ATOMIC_SEQ_CST);
	state = READ_ONCE(t->state);
	woken = (states & (1U << state)) &&
		__atomic_compare_exchange_n(&t->state, &state, THREAD_RUNNABLE, false,
					    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
	now = woken ? clock_now_ns() : 0;
	if (woken)
		trace_waking(t, now);
	/* A thread that is still on a CPU has not left its stack: it is not queued here, but its
	 * own choose_next() finds it runnable. */
	if (woken && !t->on_cpu)
		balance_enqueue(rq, t, false, now);
	else
		spin_unlock(&rq->lock);
	irq_restore(flags);
	return woken;
}

__hot bool thread_wake(struct thread *t)
{
	return wake_if(t, 1U << THREAD_SLEEPING | 1U << THREAD_BLOCKED, NULL);
}

__hot void thread_wake_flagged(struct thread *t, bool *woken)
{
	wake_if(t, 1U << THREAD_SLEEPING | 1U << THREAD_BLOCKED, woken);
}

bool thread_wake_from(struct thread *t, enum thread_state state)
{
	return wake_if(t, 1U << state, NULL);
}

void thread_notify(struct thread *t, u32 work_bits)
{
	u32 flags;

	__atomic_fetch_or(&t->pending_work, work_bits, __ATOMIC_SEQ_CST);
	flags = READ_ONCE(t->wait.flags);
	if (flags & WAIT_SIGNALS || (flags & WAIT_KILLABLE && work_bits & WORK_KILLED))
		thread_wake(t);
	if (work_bits & WORK_KILLED)
		thread_wake_from(t, THREAD_STOPPED);
	/* If it runs in user mode on another CPU, an interrupt makes it enter the kernel and
	 * look. */
	if (READ_ONCE(t->on_cpu) && t != current_thread())
		smp_reschedule(READ_ONCE(t->cpu)); /* the way back to user mode looks */
}

bool thread_interrupted(u32 wait_flags)
{
	u32 work = __atomic_load_n(&current_thread()->pending_work, __ATOMIC_SEQ_CST);

	return (wait_flags & WAIT_SIGNALS && work & (WORK_SIGNAL | WORK_KILLED | WORK_TRAP)) ||
	       (wait_flags & WAIT_KILLABLE && work & WORK_KILLED);
}

void thread_start(struct thread *t)
{
	u64 flags = irq_save();
	struct runqueue *rq = runqueue_lock_of(t);

	__atomic_fetch_add(&threads_started, 1, __ATOMIC_RELAXED);
	t->state = THREAD_RUNNABLE;
	balance_enqueue(rq, t, true, clock_now_ns());
	irq_restore(flags);
}
