/* SPDX-License-Identifier: MIT
 *
 * The scheduler: each CPU runs the threads of its own queue in turn, for a slice each.  A thread
 * that sleeps before its slice is over goes before all others when it is woken, for the rest of
 * that slice (virtual round robin).
 *
 * The run queue's lock is taken before a switch and released after it, by the thread that was
 * switched to.  So code that holds the lock sees every thread of that CPU either running or
 * completely saved, never in between; `on_cpu` says which.
 */
#include "kernel/task/sched.h"

#include "arch/x86_64/cpu/descriptors.h"
#include "arch/x86_64/cpu/fpu.h"
#include "arch/x86_64/cpu/segments.h"
#include "arch/x86_64/cpu/switch.h"
#include "arch/x86_64/mmu/paging.h"
#include "arch/x86_64/pc/clock.h"
#include "boot/cmdline.h"
#include "kernel/task/probe.h"
#include "kernel/task/runqueue.h"

static u64 slice_ns __hot_data = SCHED_SLICE_DEFAULT_NS;
bool sched_virtual_rr __hot_data = true;

/* --- The slice -------------------------------------------------------------------------------- */

u64 sched_slice_ns(void)
{
	return READ_ONCE(slice_ns);
}

void sched_set_slice_ns(u64 ns)
{
	WRITE_ONCE(slice_ns, MIN(MAX(ns, 100 * NSEC_PER_USEC), 10 * NSEC_PER_SEC));
}

/* The timer of the running thread's end.  If the thread may run longer than the timer assumes, the
 * timer waits for the rest.  On an idle CPU it stops. */
static void slice_expired(struct timer *timer)
{
	struct runqueue *rq = container_of(timer, struct runqueue, slice);
	u64 now = clock_now_ns();

	timer->expires_ns = UINT64_MAX;
	if (current_thread()->is_idle)
		return;
	if (now < rq->stop_ns) {
		timer_start(timer, rq->stop_ns);
		return;
	}
	if (READ_ONCE(rq->queued)) {
		this_cpu()->need_resched = 1;
		balance_wake_any(this_cpu_id());
	}
	timer_start(timer, now + sched_slice_ns());
}

/* --- What is counted at a switch -------------------------------------------------------------- */

/* `prev` stops, and `next`, which is another thread, begins to run.  As on Linux, a switch is forced
 * if the thread could have continued (getrusage(2)). */
static void account_switch(struct runqueue *rq, struct thread *prev, struct thread *next, u64 now)
{
	if (prev->state == THREAD_RUNNABLE)
		prev->use.counted.forced_switches++;
	else
		prev->use.counted.voluntary_switches++;
	if (next->is_idle) {
		cpumask_set(&cpus_idle, this_cpu_id());
		return;
	}
	if (prev->is_idle) {
		cpumask_clear(&cpus_idle, this_cpu_id());
		/* Short idle times come in series: after one, it pays to poll the next time. */
		rq->poll_ns = now - prev->use.run_since_ns < 2 * IDLE_POLL_NS ? IDLE_POLL_NS
									      : rq->poll_ns / 2;
	}
	next->use.queued_ns += now - next->use.queued_since_ns;
	runqueue_arm(rq);
}

/* --- The switch ------------------------------------------------------------------------------- */

/* What few programs use: segment registers, which kernel threads do not change, a base of GS, and
 * debug registers.  Out of line. */
static __noinline void switch_rare_state(struct thread *prev, struct thread *next)
{
	if (prev->is_user)
		segments_save(&prev->arch);
	if (next->is_user)
		segments_load(&next->arch);
	wrmsr(MSR_KERNEL_GS_BASE, next->arch.gs_base);
	if (ptrace_has_work(prev, WORK_DEBUG_REGS) || ptrace_has_work(next, WORK_DEBUG_REGS))
		ptrace_load_debug_registers(next);
}

/* Load all machine state of `next` except its general registers and its stack. */
static void switch_machine_state(struct runqueue *rq, struct thread *prev, struct thread *next,
				 bool preempted)
{
	struct cpu *cpu = this_cpu();
	/* Nothing changes between two threads of one space. */
	bool root_changed = (next->pmap != cpu->pmap || cpu->pmap_lazy) && pmap_switch(next->pmap);

	rq->stats.switches++;
	rq->stats.switches_root += root_changed;
	trace_switch(prev, next, next->use.run_since_ns, root_changed, preempted);
	fpu_switch(&prev->arch, &next->arch, root_changed);
	/* The bases of `prev` need no saving: a program can change them only by arch_prctl(), or by
	 * loading a selector (segments.c). */
	wrmsr(MSR_FS_BASE, next->arch.fs_base);
	if (unlikely(segments_loaded() | prev->arch.segments.all | next->arch.segments.all |
		     prev->arch.gs_base | next->arch.gs_base |
		     ((READ_ONCE(prev->pending_work) | READ_ONCE(next->pending_work)) &
		      WORK_DEBUG_REGS)))
		switch_rare_state(prev, next);
	if (READ_SELECTOR(ss) != SELECTOR_KERNEL_DATA)
		segments_load_stack();
	cpu->current = next;
	cpu->kernel_sp = (u64)next->kernel_stack + KSTACK_SIZE;
	tss_set_kernel_stack(cpu->kernel_sp);
}

/* The second half of a switch, run by the thread that was switched to. */
static __always_inline void finish_switch(struct thread *prev)
{
	struct runqueue *rq = this_runqueue();
	/* Read now: once `prev` is enqueued elsewhere, it may run, exit and be freed. */
	bool dead = prev->state == THREAD_DEAD;

	prev->on_cpu = false;
	/* Runnable but not queued: its affinity does not allow this CPU any more, so choose_next()
	 * has not queued it here. */
	if (prev->state == THREAD_RUNNABLE && !prev->on_queue && !prev->is_idle)
		balance_enqueue(rq, prev, true, clock_now_ns());
	else
		spin_unlock(&rq->lock);
	if (dead)
		thread_put(prev); /* the reference that it held while it ran */
}

enum switch_reason {
	SWITCH_ANY,	  /* the thread sleeps, exits, or is about to return to user mode with its
			   * slice over */
	SWITCH_PREEMPTED, /* an interrupt, or preempt_enable(), found need_resched set */
	SWITCH_YIELD,	  /* sched_yield() */
	SWITCH_MEMBER,	  /* sched_yield_member() */
};

/* Decide how `prev` gets the CPU the next time.  Between two whole slices of a thread, each other
 * thread of the CPU runs for one slice at most, in one piece or in several: docs/rooms/task.md. */
static void choose_turn(const struct runqueue *rq, struct thread *prev, enum switch_reason reason,
			u64 now)
{
	s64 left = (s64)(rq->turn_end_ns - now);

	if (reason == SWITCH_YIELD || left < (s64)SCHED_RUN_MIN_NS ||
	    !READ_ONCE(sched_virtual_rr)) {
		prev->turn = TURN_NEW;
		return;
	}
	prev->slice_left_ns = (u64)left;
	if (prev->state != THREAD_RUNNABLE)
		prev->turn = TURN_WOKEN;
	else if (prev->turn == TURN_NEW)
		prev->turn = TURN_REST;
}

/* Queue `prev` if it could continue here, and take the thread that runs next. */
static struct thread *choose_next(struct runqueue *rq, struct thread *prev,
				  enum switch_reason reason, u64 now)
{
	struct thread *next;

	choose_turn(rq, prev, reason, now);
	if (unlikely(thread_seed(prev))) /* its group decides which member may run next */
		seed_pass_on(rq, prev, reason == SWITCH_YIELD || reason == SWITCH_MEMBER,
			     reason == SWITCH_YIELD || now >= rq->turn_end_ns, now);
	if (!prev->is_idle && prev->state == THREAD_RUNNABLE && balance_may_run(prev, this_cpu_id()))
		runqueue_push(rq, prev, now);
	next = runqueue_pop(rq);
	return next ? next : rq->idle;
}

/* Let another thread run on this CPU.  SWITCH_PREEMPTED is an involuntary switch: if the thread had
 * set itself SLEEPING but not yet checked its condition again, it is put back to RUNNABLE.  Every
 * thread that sets SLEEPING, BLOCKED or STOPPED checks in a loop; DEAD is set with interrupts
 * off. */
static __hot void switch_away(enum switch_reason reason)
{
	struct thread *prev = current_thread(), *next;
	struct runqueue *rq;
	u64 flags, now;

	flags = irq_save();
	require((preempt_count() | this_cpu_read(irq_depth)) == 0);
	rq = this_runqueue();
	spin_lock(&rq->lock);
	this_cpu()->need_resched = 0;
	now = clock_now_ns();
	if (reason == SWITCH_PREEMPTED)
		prev->state = THREAD_RUNNABLE;

	next = choose_next(rq, prev, reason, now);
	prev->use.run_ns += now - prev->use.run_since_ns;
	next->use.run_since_ns = now;
	if (!seed_keeps_turn(prev, next))
		rq->turn_end_ns =
		    now + (next->turn == TURN_NEW ? sched_slice_ns() : next->slice_left_ns);
	rq->stop_ns = rq->turn_end_ns;
	if (next == prev) {
		spin_unlock(&rq->lock);
		irq_restore(flags);
		return;
	}
	account_switch(rq, prev, next, now);
	next->on_cpu = true;
	switch_machine_state(rq, prev, next, reason == SWITCH_PREEMPTED);
	prev = context_switch(&prev->arch.saved_sp, next->arch.saved_sp, prev);

	/* We run again: later, perhaps on another CPU, and `prev` is the thread that ran here until
	 * now. */
	finish_switch(prev);
	irq_restore(flags);
}

__hot void schedule(void)
{
	switch_away(SWITCH_ANY);
}

__hot void sched_yield(void)
{
	switch_away(SWITCH_YIELD);
}

void sched_yield_member(void)
{
	switch_away(SWITCH_MEMBER);
}

/* --- Preemption ------------------------------------------------------------------------------- */

static void preempt_schedule(void)
{
	if (preempt_count() == 0 && this_cpu_read(irq_depth) == 0)
		switch_away(SWITCH_PREEMPTED);
}

void sched_preempt_from_irq(void)
{
	if (need_resched())
		preempt_schedule();
}

/* --- Beginning and end ------------------------------------------------------------------------ */

void thread_exit_final(void)
{
	struct thread *t = current_thread();

	trace_value(TRACE_EXIT, 0);
	irq_disable();
	if (this_cpu()->fpu_owner == &t->arch)
		this_cpu()->fpu_owner = NULL;
	/* No waker changes the state DEAD.  finish_switch() drops the running thread's reference
	 * once this stack is no longer in use. */
	thread_set_state(THREAD_DEAD);
	schedule();
	panic("thread %d runs after its end", t->tid);
}

void sched_init_cpu(void)
{
	struct thread *idle = thread_create_idle(this_cpu_id());
	struct runqueue *rq = this_runqueue();

	runqueue_init(rq, idle);
	timer_init(&rq->slice, slice_expired);
	rq->slice.expires_ns = UINT64_MAX;
	idle->is_idle = true;
	idle->state = THREAD_RUNNABLE;
	idle->on_cpu = true;
	idle->cpu = this_cpu_id();
	idle->use.started_ns = idle->use.run_since_ns = clock_now_ns();
	this_cpu()->current = idle;
	cpumask_set(&cpus_scheduled, this_cpu_id()); /* from now on threads may be sent here */
}

void sched_init(void)
{
	u64 us = cmdline_get_u64("sched_slice_us", 0);

	if (us)
		sched_set_slice_ns(us * NSEC_PER_USEC);
	sched_virtual_rr = cmdline_get_u64("sched_virtual_rr", 1);
	thread_entry_hook = finish_switch;
	preempt_hook = preempt_schedule;
	thread_init();
	sched_init_cpu();
}
