/* SPDX-License-Identifier: MIT
 *
 * What a CPU does when its run queue is empty: take work from another queue, watch for work for a
 * moment, halt.
 */
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/pc/clock.h"
#include "kernel/task/runqueue.h"

/* Waking a halted CPU costs an interrupt, which takes many times as long as a switch.  If idle
 * times have been short, the idle thread watches for work for a while before it halts (poll_ns).
 * Interrupts are on.  Returns whether there is something to do. */
static bool idle_poll(struct runqueue *rq)
{
	u64 end = clock_now_ns() + rq->poll_ns;

	/* Pairs with balance_wake_cpu(): `polling` must be visible before need_resched is read. */
	__atomic_store_n(&rq->polling, 1, __ATOMIC_SEQ_CST);
	while (!need_resched() && clock_now_ns() < end)
		cpu_relax();
	__atomic_store_n(&rq->polling, 0, __ATOMIC_SEQ_CST);
	return need_resched();
}

void sched_idle_loop(void)
{
	struct runqueue *rq = runqueue_of(this_cpu_id()); /* an idle thread never moves */
	bool poll_failed = false; /* we have polled in vain since the last thread ran: halt now */

	cpumask_set(&cpus_idle, this_cpu_id());
	for (;;) {
		irq_disable();
		if (need_resched() || READ_ONCE(rq->queued)) {
			irq_enable();
			poll_failed = false;
			schedule();
		} else if (balance_steal(this_cpu_id())) {
			rq->stats.steals++;
			irq_enable();
			poll_failed = false;
			schedule();
		} else if (!poll_failed && rq->poll_ns >= IDLE_POLL_MIN_NS) {
			irq_enable();
			poll_failed = !idle_poll(rq);
		} else {
			poll_failed = false;
			cpu_idle_halt();
		}
	}
}
