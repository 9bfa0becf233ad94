/* SPDX-License-Identifier: MIT
 *
 * On which CPU a thread runs: placing it at wake-up, and stealing by CPUs that have nothing to do.
 * Only one run queue is locked at a time.
 */
#include "arch/x86_64/pc/clock.h"
#include "arch/x86_64/pc/smp.h"
#include "kernel/task/probe.h"
#include "kernel/task/runqueue.h"

static __noinline u32 shortest_queue(const struct thread *t)
{
	u32 best = MAX_CPUS, best_queued = UINT32_MAX;

	for (u32 i = 0; i < cpu_count; i++) {
		u32 cpu = (this_cpu_id() + i) % cpu_count;
		u32 queued = READ_ONCE(runqueue_of(cpu)->queued);

		if (cpumask_test(&cpus_scheduled, cpu) && balance_may_run(t, cpu) &&
		    queued < best_queued) {
			best = cpu;
			best_queued = queued;
		}
	}
	require(best < MAX_CPUS); /* sched_set_affinity() refuses a mask without an online CPU */
	return best;
}

/* An idle CPU for `t`, or MAX_CPUS. */
static __noinline u32 choose_idle(const struct thread *t)
{
	u32 last = t->cpu, words = (cpu_count + 63) / 64, word = last / 64;
	u32 chosen = idle_core(&t->affinity, last);

	if (chosen != MAX_CPUS)
		return chosen;
	if (cpumask_test(&t->affinity, last) && cpumask_test(&cpus_idle, last))
		return last;
	for (u32 n = words; n; n--) {
		u64 idle;

		/* 64 CPUs at a time, the group of the last CPU at the end, so that wake-ups of one
		 * group spread; in a group the idle CPU with the lowest number. */
		word = word + 1 < words ? word + 1 : 0;
		idle = READ_ONCE(cpus_idle.bits[word]) & t->affinity.bits[word];
		if (idle)
			return word * 64 + (u32)__builtin_ctzl(idle);
	}
	return MAX_CPUS;
}

static __always_inline u32 choose_cpu(const struct thread *t, bool spread)
{
	u32 cpu = seed_cpu(t);

	if (cpu == MAX_CPUS && !cpumask_empty(&cpus_idle))
		cpu = choose_idle(t);
	if (cpu == MAX_CPUS)
		cpu = !spread && cpumask_test(&t->affinity, t->cpu) ? t->cpu : shortest_queue(t);
	return cpu;
}

/* Wake the idle thread of `cpu`, which then looks for work. */
static void balance_wake_cpu(u32 cpu)
{
	/* need_resched must be visible before `polling` is read.  Pairs with idle_poll(), which
	 * clears `polling` before it reads need_resched for the last time: so either the idle
	 * thread sees need_resched, or we see that it does not poll and send an interrupt. */
	__atomic_store_n(&cpu_get(cpu)->need_resched, 1, __ATOMIC_SEQ_CST);
	if (cpu != this_cpu_id() && !__atomic_load_n(&runqueue_of(cpu)->polling, __ATOMIC_SEQ_CST))
		smp_reschedule(cpu);
}

/* A thread that slept waits in `rq`: the idle thread stops at once, another one as soon as it has run
 * for SCHED_RUN_MIN_NS, so that a thread which only wakes another one before it sleeps itself is not
 * interrupted.  Returns true if the running thread stops now.  On another CPU it always does: we
 * cannot start the timer there.  The lock of `rq`, the queue of `cpu`, is held. */
static __always_inline bool preempt(struct runqueue *rq, u32 cpu, u64 now_ns)
{
	const struct thread *running = current_thread();
	u64 stop_ns = running->use.run_since_ns + SCHED_RUN_MIN_NS;

	if (cpu != this_cpu_id() || stop_ns <= now_ns || running->is_idle)
		return true;
	rq->stop_ns = MIN(rq->stop_ns, stop_ns);
	runqueue_arm(rq);
	return false;
}

/* Move `t`, which is in no queue, from `rq`, the queue of t->cpu, to CPU `to`.  The lock of `rq` is
 * held, and released.  `cpu` changes only under the lock of the queue that the thread leaves: while
 * we hold it, no other CPU can move the thread.  Its affinity may change before the lock of `to` is
 * taken: then another CPU is chosen.  Returns the queue of the new t->cpu, locked. */
static __noinline struct runqueue *migrate(struct runqueue *rq, struct thread *t, u32 to,
					   bool spread, u64 now_ns)
{
	while (t->cpu != to) {
		t->use.counted.migrations++;
		rq->stats.migrations++;
		trace_thread(TRACE_MIGRATE, t, t->cpu | to << 16, now_ns);
		/* It must not pass threads that wait there with the slices of several CPUs. */
		if (!cpumask_test(&cpus_idle, to))
			t->turn = TURN_NEW;
		WRITE_ONCE(t->cpu, to);
		spin_unlock(&rq->lock);
		rq = runqueue_of(to);
		spin_lock(&rq->lock);
		if (!balance_may_run(t, to))
			to = choose_cpu(t, spread);
	}
	return rq;
}

/* Put `t` into the run queue of CPU `to`, and wake that CPU if it is idle.  `rq` is the queue of
 * t->cpu; its lock is held, and released. */
static __always_inline void enqueue_on(struct runqueue *rq, struct thread *t, u32 to, bool spread, u64 now_ns)
{
	bool wake;

	if (unlikely(t->cpu != to))
		rq = migrate(rq, t, to, spread, now_ns);
	to = t->cpu;
	runqueue_push(rq, t, now_ns);
	wake = t->turn == TURN_WOKEN ? preempt(rq, to, now_ns) : cpumask_test(&cpus_idle, to);
	spin_unlock(&rq->lock);
	if (wake)
		balance_wake_cpu(to);
}

__hot void balance_enqueue(struct runqueue *rq, struct thread *t, bool spread, u64 now_ns)
{
	assert_held(&rq->lock);
	rq->stats.wakeups++;
	enqueue_on(rq, t, choose_cpu(t, spread), spread, now_ns);
}

/* The first thread of a queue that may run on `cpu`, or NULL. */
static struct thread *first_allowed(struct list *queue, u32 cpu)
{
	struct thread *t;

	list_for_each (t, queue, run_link)
		if (balance_may_run(t, cpu))
			return t;
	return NULL;
}

bool balance_steal(u32 to_cpu)
{
	u32 victim = 0, longest = 0;
	struct thread *t = NULL;

	for (u32 cpu = 0; cpu < cpu_count; cpu++) {
		u32 queued = READ_ONCE(runqueue_of(cpu)->queued);

		if (cpu != to_cpu && queued > longest) {
			longest = queued;
			victim = cpu;
		}
	}
	/* The longest queue first.  If it has only threads that are pinned, each of the others. */
	for (u32 n = 0; longest && !t && n < cpu_count; n++) {
		struct runqueue *rq = runqueue_of((victim + n) % cpu_count);

		if (rq == runqueue_of(to_cpu) || !READ_ONCE(rq->queued))
			continue;
		spin_lock(&rq->lock);
		t = first_allowed(&rq->woken, to_cpu) ?: first_allowed(&rq->ready, to_cpu);
		if (t) {
			runqueue_take(rq, t);
			enqueue_on(rq, t, to_cpu, true, clock_now_ns());
		} else {
			spin_unlock(&rq->lock);
		}
	}
	return t;
}

void balance_wake_any(u32 from_cpu)
{
	u32 idle = idle_core(&cpus_idle, from_cpu);
	u32 cpu = idle != MAX_CPUS ? idle : cpumask_next(&cpus_idle, 0);

	if (cpu != MAX_CPUS && cpu != from_cpu)
		balance_wake_cpu(cpu);
}
