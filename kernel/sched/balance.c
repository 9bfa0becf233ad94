/* SPDX-License-Identifier: MIT
 *
 * Which CPU a thread runs on: placing at wake-up, and stealing by CPUs that have nothing to do.
 * Only one run queue is locked at a time.
 */
#include "arch/x86_64/clock.h"
#include "arch/x86_64/smp.h"
#include "kernel/lib/errno.h"
#include "kernel/sched/runqueue.h"
#include "kernel/trace/trace.h"

struct cpumask cpus_idle;

static bool may_run(const struct thread *t, u32 cpu)
{
	return cpumask_test(&t->affinity, cpu) && cpumask_test(&cpus_online, cpu);
}

static u32 shortest_queue(const struct thread *t)
{
	u32 best = MAX_CPUS, best_queued = UINT32_MAX;

	for (u32 i = 0; i < cpu_count; i++) {
		u32 cpu = (this_cpu_id() + i) % cpu_count;
		u32 queued = READ_ONCE(runqueue_of(cpu)->queued);

		if (may_run(t, cpu) && queued < best_queued) {
			best = cpu;
			best_queued = queued;
		}
	}
	return best;
}

u32 balance_choose_cpu(const struct thread *t, bool spread)
{
	u32 last = t->cpu;

	if (may_run(t, last) && cpumask_test(&cpus_idle, last))
		return last;
	for (u32 i = 1; i <= MAX_CPUS / 64; i++) {
		/* Word by word, beginning after the last CPU, so that idle CPUs share the work. */
		u32 word = (last / 64 + i) % (MAX_CPUS / 64);
		u64 idle = READ_ONCE(cpus_idle.bits[word]) & READ_ONCE(t->affinity.bits[word]) &
			   READ_ONCE(cpus_online.bits[word]);

		if (idle)
			return word * 64 + (u32)__builtin_ctzl(idle);
	}
	if (!spread && may_run(t, last))
		return last;
	last = shortest_queue(t);
	require(last < MAX_CPUS); /* sched_set_affinity() sees to it */
	return last;
}

void balance_enqueue(struct thread *t, bool spread)
{
	u64 now = clock_now_ns();

	for (;;) {
		u32 from = t->cpu, to = balance_choose_cpu(t, spread);
		struct runqueue *rq = runqueue_of(to);
		bool placed;

		spin_lock(&rq->lock);
		placed = may_run(t, to); /* the affinity may have changed just now */
		if (placed) {
			if (from != to) {
				t->migrations++;
				trace(TRACE_MIGRATE, (u32)t->tid, from, to);
			}
			t->cpu = to;
			runqueue_push(rq, t, now);
			rq->stats.wakeups++;
		}
		spin_unlock(&rq->lock);
		if (!placed)
			continue;
		if (cpumask_test(&cpus_idle, to)) {
			__atomic_store_n(&cpu_get(to)->need_resched, 1, __ATOMIC_SEQ_CST);
			if (to != this_cpu_id())
				smp_reschedule(to);
		}
		return;
	}
}

struct thread *balance_steal(u32 to_cpu)
{
	u32 victim = MAX_CPUS, longest = 0;
	struct runqueue *rq;
	struct thread *t, *found = NULL;

	for (u32 cpu = 0; cpu < cpu_count; cpu++) {
		u32 queued = READ_ONCE(runqueue_of(cpu)->queued);

		if (cpu != to_cpu && queued > longest) {
			longest = queued;
			victim = cpu;
		}
	}
	if (victim == MAX_CPUS)
		return NULL;
	rq = runqueue_of(victim);
	spin_lock(&rq->lock);
	list_for_each(t, &rq->threads, run_link)
	{
		if (!may_run(t, to_cpu))
			continue;
		runqueue_take(rq, t);
		trace(TRACE_MIGRATE, (u32)t->tid, victim, to_cpu);
		t->cpu = to_cpu;
		t->migrations++;
		found = t;
		break;
	}
	spin_unlock(&rq->lock);
	return found;
}

void balance_kick_idle(u32 from_cpu)
{
	u32 cpu = cpumask_next(&cpus_idle, 0);

	if (cpu == MAX_CPUS || cpu == from_cpu)
		return;
	__atomic_store_n(&cpu_get(cpu)->need_resched, 1, __ATOMIC_SEQ_CST);
	smp_reschedule(cpu);
}

int sched_set_affinity(struct thread *t, const struct cpumask *mask)
{
	struct runqueue *rq;
	bool move = false, self = t == current_thread();
	u64 flags;

	might_sleep();
	for (u32 i = 0;; i++) {
		if (i == MAX_CPUS / 64)
			return -EINVAL;
		if (mask->bits[i] & cpus_online.bits[i])
			break;
	}
	flags = irq_save();
	for (;;) {
		rq = runqueue_of(READ_ONCE(t->cpu));
		spin_lock(&rq->lock);
		if (rq == runqueue_of(t->cpu))
			break;
		spin_unlock(&rq->lock);
	}
	t->affinity = *mask;
	if (!may_run(t, t->cpu)) {
		if (t->on_cpu) {
			/* It leaves at its next pass through schedule(). */
			__atomic_store_n(&cpu_get(t->cpu)->need_resched, 1, __ATOMIC_SEQ_CST);
			if (t->cpu != this_cpu_id())
				smp_reschedule(t->cpu);
		} else if (t->on_queue) {
			runqueue_take(rq, t);
			move = true;
		}
	}
	spin_unlock(&rq->lock);
	if (move)
		balance_enqueue(t, true);
	irq_restore(flags);
	if (self && !cpumask_test(mask, this_cpu_id()))
		schedule();
	return 0;
}
