/* SPDX-License-Identifier: MIT
 *
 * The scheduler: each CPU runs the threads of its own queue in turn, a slice each.
 *
 * The run queue's lock is taken before a switch and released after it, by the thread that was
 * switched to.  So whoever holds the lock sees every thread of that CPU either running or wholly
 * saved, never in between; `on_cpu` says which.
 */
#include "kernel/task/sched.h"

#include "arch/x86_64/cpu/descriptors.h"
#include "arch/x86_64/cpu/fpu.h"
#include "arch/x86_64/cpu/segments.h"
#include "arch/x86_64/cpu/switch.h"
#include "arch/x86_64/mmu/paging.h"
#include "arch/x86_64/pc/clock.h"
#include "arch/x86_64/pc/smp.h"
#include "kernel/lib/cmdline.h"
#include "kernel/task/probe.h"
#include "kernel/task/runqueue.h"

#define IDLE_POLL_NS (50 * NSEC_PER_USEC)

static u64 slice_ns = SCHED_SLICE_DEFAULT_NS;
static u64 threads_started;

u64 sched_slice_ns(void)
{
	return READ_ONCE(slice_ns);
}

void sched_set_slice_ns(u64 ns)
{
	WRITE_ONCE(slice_ns, MIN(MAX(ns, 100 * NSEC_PER_USEC), 10 * NSEC_PER_SEC));
}

/* The timer at the end of a turn.  It is not moved at every switch: where it finds that the running
 * thread's turn began later, it waits for the rest; on an idle CPU it stops. */
static void slice_expired(struct timer *timer)
{
	struct runqueue *rq = container_of(timer, struct runqueue, slice);
	struct thread *t = current_thread();
	u64 now = clock_now_ns(), end = rq->turn_ns + sched_slice_ns();

	if (t->is_idle)
		return;
	if (now < end) {
		timer_start(timer, end);
		return;
	}
	if (READ_ONCE(rq->queued)) {
		this_cpu()->need_resched = 1;
		balance_kick_idle(this_cpu_id());
	}
	timer_start(timer, now + sched_slice_ns());
}

void sched_sample(bool user_mode)
{
	struct thread *t = current_thread();
	struct runqueue *rq = this_runqueue();

	if (t->is_idle)
		return;
	t->use.user_samples += user_mode;
	t->use.kernel_samples += !user_mode;
	rq->user_samples += user_mode;
	rq->kernel_samples += !user_mode;
}

/* Out of line: few programs load a segment register.  Kernel threads leave them as they are. */
static __noinline void switch_segments(struct thread *prev, struct thread *next)
{
	if (prev->is_user)
		segments_save(&prev->arch);
	if (next->is_user)
		segments_load(&next->arch);
}

/* Everything of the machine that `next` has otherwise than `prev`, but registers and stack. */
static void switch_machine_state(struct runqueue *rq, struct thread *prev, struct thread *next,
				 bool preempted)
{
	struct cpu *cpu = this_cpu();
	bool root_changed = pmap_switch(next->pmap);

	rq->stats.switches++;
	rq->stats.running = next->tid;
	rq->stats.switches_root += root_changed;
	trace_switch(prev, next, next->use.run_since_ns, root_changed, preempted);
	if (prev->arch.fpu && prev->state != THREAD_DEAD)
		fpu_save(prev->arch.fpu);
	if (next->arch.fpu && (cpu->fpu_owner != next || next->arch.fpu_cpu != cpu->id)) {
		fpu_restore(next->arch.fpu);
		cpu->fpu_owner = next;
		next->arch.fpu_cpu = cpu->id;
	}
	if (unlikely(segments_loaded() | prev->arch.segments.all | next->arch.segments.all))
		switch_segments(prev, next);
	if (next->is_user)
		wrmsr(MSR_FS_BASE, next->arch.fs_base);
	if (next->arch.gs_base | prev->arch.gs_base)
		wrmsr(MSR_KERNEL_GS_BASE, next->arch.gs_base);
	cpu->current = next;
	cpu->kernel_sp = (u64)next->kernel_stack + KSTACK_SIZE;
	tss_set_kernel_stack(cpu->kernel_sp);
}

/* The second half of a switch, run by the thread that was switched to. */
static void finish_switch(struct thread *prev)
{
	struct runqueue *rq = this_runqueue();
	bool dead = prev->state == THREAD_DEAD;

	prev->on_cpu = false;
	/* Evicted: its affinity does not allow this CPU any more.  It may run, and end, elsewhere
	 * as soon as it is enqueued there. */
	if (prev->state == THREAD_RUNNABLE && !prev->on_queue && !prev->is_idle)
		balance_enqueue(rq, prev, true, clock_now_ns());
	else
		spin_unlock(&rq->lock);
	if (dead)
		thread_put(prev);
}

enum switch_reason { SWITCH_ANY, SWITCH_PREEMPTED, SWITCH_YIELD, SWITCH_MEMBER };

static struct thread *choose_next(struct runqueue *rq, struct thread *prev,
				  enum switch_reason reason, u64 now)
{
	struct thread *next;

	if (unlikely(thread_seed(prev)))
		seed_pass_on(rq, prev, reason >= SWITCH_YIELD,
			     reason == SWITCH_YIELD || now - rq->turn_ns >= sched_slice_ns(), now);
	if (!prev->is_idle && prev->state == THREAD_RUNNABLE &&
	    balance_may_run(prev, this_cpu_id()))
		runqueue_push(rq, prev, now); /* else finish_switch() finds it a place */
	next = runqueue_pop(rq);
	return next ? next : rq->idle;
}

/* SWITCH_PREEMPTED: not by its own will.  A state that it has set already does not count then: the
 * look at its condition, which must come before the sleep, has not happened.  It goes on as a
 * running thread, and whoever sets a state does so in a loop. */
static void switch_away(enum switch_reason reason)
{
	struct thread *prev = current_thread(), *next;
	struct runqueue *rq;
	u64 flags = irq_save(), now, idle_since;

	require((preempt_count() | this_cpu_read(irq_depth)) == 0);
	rq = this_runqueue();
	spin_lock(&rq->lock);
	this_cpu()->need_resched = 0;
	now = clock_now_ns();
	if (reason == SWITCH_PREEMPTED)
		prev->state = THREAD_RUNNABLE;
	next = choose_next(rq, prev, reason, now);
	prev->use.run_ns += now - prev->use.run_since_ns;
	if (!prev->is_idle)
		rq->busy_ns += now - prev->use.run_since_ns;
	/* As Linux: whoever could have gone on was forced (getrusage(2)). */
	if (prev->state == THREAD_RUNNABLE)
		prev->use.counted.forced_switches += next != prev;
	else
		prev->use.counted.voluntary_switches++;
	idle_since = prev->use.run_since_ns;
	next->use.run_since_ns = rq->since_ns = now;
	if (!seed_keeps_turn(prev, next))
		rq->turn_ns = now;
	if (next == prev) {
		spin_unlock(&rq->lock);
		irq_restore(flags);
		return;
	}
	if (next->is_idle) {
		cpumask_set(&cpus_idle, this_cpu_id());
	} else {
		if (prev->is_idle) {
			cpumask_clear(&cpus_idle, this_cpu_id());
			/* Short idle times come in rows: the next one is worth a look-out. */
			rq->poll_ns =
			    now - idle_since < 2 * IDLE_POLL_NS ? IDLE_POLL_NS : rq->poll_ns / 2;
		}
		next->use.queued_ns += now - next->use.queued_since_ns;
		if (rq->slice.cpu == TIMER_NOWHERE)
			timer_start(&rq->slice, now + sched_slice_ns());
	}
	next->on_cpu = true;
	switch_machine_state(rq, prev, next, reason == SWITCH_PREEMPTED);
	prev = context_switch(&prev->arch.saved_sp, next->arch.saved_sp, prev);

	/* We run again: later, perhaps on another CPU, and `prev` is whoever ran here just now. */
	finish_switch(prev);
	irq_restore(flags);
}

void schedule(void)
{
	switch_away(SWITCH_ANY);
}

void sched_yield(void)
{
	switch_away(SWITCH_YIELD);
}

void sched_yield_member(void)
{
	switch_away(SWITCH_MEMBER);
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

u64 sched_forks_total(void)
{
	return __atomic_load_n(&threads_started, __ATOMIC_RELAXED);
}

void thread_exit_final(void)
{
	struct thread *t = current_thread();

	trace_value(TRACE_EXIT, 0);
	irq_disable();
	if (this_cpu()->fpu_owner == t)
		this_cpu()->fpu_owner = NULL;
	/* Nobody wakes a dead thread; finish_switch() drops the running thread's reference once
	 * this stack is no longer in use. */
	thread_set_state(THREAD_DEAD);
	schedule();
	panic("thread %d runs after its end", t->tid);
}

static void preempt_schedule(void)
{
	if (this_cpu()->irq_depth == 0)
		switch_away(SWITCH_PREEMPTED);
}

void sched_preempt_from_irq(void)
{
	if (need_resched() && preempt_count() == 0 && this_cpu()->irq_depth == 0)
		switch_away(SWITCH_PREEMPTED);
}

void thread_set_state(enum thread_state state)
{
	/* A full barrier: what is looked at next is looked at after the state is seen by wakers. */
	__atomic_exchange_n(&current_thread()->state, state, __ATOMIC_SEQ_CST);
}

static bool wake_if(struct thread *t, u32 states)
{
	u64 flags = irq_save();
	struct runqueue *rq = runqueue_lock_of(t);
	enum thread_state state = READ_ONCE(t->state);
	/* The thread itself sets its state without the lock, and may at any time be past this
	 * sleep: what it has set since is not to be overwritten, least of all its end. */
	bool woken = 1U << state & states &&
		     __atomic_compare_exchange_n(&t->state, &state, THREAD_RUNNABLE, false,
						 __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
	u64 now = woken ? clock_now_ns() : 0;

	if (woken)
		trace_waking(t, now);
	/* On a CPU it is still on its way to sleep: schedule() will find it running. */
	if (woken && !t->on_cpu)
		balance_enqueue(rq, t, false, now);
	else
		spin_unlock(&rq->lock);
	irq_restore(flags);
	return woken;
}

bool thread_wake(struct thread *t)
{
	return wake_if(t, 1U << THREAD_SLEEPING | 1U << THREAD_BLOCKED);
}

bool thread_wake_from(struct thread *t, enum thread_state state)
{
	return wake_if(t, 1U << state);
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
	/* In user mode on another CPU it must come in to look. */
	if (READ_ONCE(t->on_cpu) && t != current_thread())
		smp_reschedule(READ_ONCE(t->cpu));
}

bool thread_interrupted(u32 wait_flags)
{
	u32 work = __atomic_load_n(&current_thread()->pending_work, __ATOMIC_SEQ_CST);

	return (wait_flags & WAIT_SIGNALS && work & (WORK_SIGNAL | WORK_KILLED)) ||
	       (wait_flags & WAIT_KILLABLE && work & WORK_KILLED);
}

static struct held_locks *thread_locks(void)
{
	struct thread *t = current_thread();

	return t ? &t->held : NULL;
}

static void init_cpu(struct thread *idle)
{
	struct runqueue *rq = this_runqueue();

	runqueue_init(rq, idle);
	timer_init(&rq->slice, slice_expired);
	idle->is_idle = true;
	idle->state = THREAD_RUNNABLE;
	idle->on_cpu = true;
	idle->cpu = this_cpu_id();
	idle->use.run_since_ns = rq->since_ns = clock_now_ns();
	this_cpu()->current = idle;
	cpumask_set(&cpus_scheduled, this_cpu_id()); /* from now on threads may be sent here */
}

void sched_init(void)
{
	u64 us = cmdline_get_u64("sched_slice_us", 0);

	if (us)
		sched_set_slice_ns(us * NSEC_PER_USEC);
	thread_entry_hook = finish_switch;
	thread_init();
	init_cpu(thread_create_idle(this_cpu_id()));
	lockdep_thread_locks = thread_locks;
	preempt_hook = preempt_schedule;
}

void sched_init_cpu(void)
{
	init_cpu(thread_create_idle(this_cpu_id()));
}

/* Waking a halted CPU takes an interrupt and many times as long as a switch.  Where work has been
 * coming soon, the idle thread looks out for it a little longer than that would take.  Interrupts
 * are on.  True: there is something to do. */
static bool idle_poll(struct runqueue *rq)
{
	u64 end = clock_now_ns() + rq->poll_ns;

	__atomic_store_n(&rq->polling, 1, __ATOMIC_SEQ_CST);
	while (!need_resched() && clock_now_ns() < end)
		cpu_relax();
	__atomic_store_n(&rq->polling, 0, __ATOMIC_SEQ_CST);
	return need_resched();
}

void sched_idle_loop(void)
{
	struct runqueue *rq = this_runqueue();
	bool polled = false; /* in vain, since something ran here */

	cpumask_set(&cpus_idle, this_cpu_id());
	for (;;) {
		irq_disable();
		if (!need_resched() && !READ_ONCE(rq->queued)) {
			if (balance_steal(this_cpu_id())) {
				rq->stats.steals++;
			} else if (!polled && rq->poll_ns >= IDLE_POLL_NS / 8) {
				irq_enable();
				polled = !idle_poll(rq);
				continue;
			} else {
				polled = false;
				cpu_idle_halt();
				continue;
			}
		}
		irq_enable();
		polled = false;
		schedule();
	}
}

void sched_stats_read(u32 cpu, struct sched_cpu_stats *stats)
{
	struct runqueue *rq = runqueue_of(cpu);
	u64 flags = spin_lock_irq(&rq->lock);
	u64 since = clock_now_ns() - rq->since_ns;
	bool idle = rq->idle->on_cpu;

	rq->stats.idle_ns = rq->idle->use.run_ns + (idle ? since : 0);
	times_split(rq->busy_ns + (idle ? 0 : since), rq->user_samples, rq->kernel_samples,
		    &rq->stats.user_ns, &rq->stats.kernel_ns);
	rq->stats.queued = rq->queued;
	*stats = rq->stats;
	spin_unlock_irq(&rq->lock, flags);
}
