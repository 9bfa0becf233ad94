/* SPDX-License-Identifier: MIT
 *
 * The checks of the exercise `sleep`.  The threads take turns on one CPU (kpinned.h), and where a
 * moment counts, all moments are tried (kstep.h).
 */
#include "arch/x86_64/pc/clock.h"
#include "kernel/lib/errno.h"
#include "tests/kernel/kpinned.h"
#include "tests/kernel/kstep.h"

static struct lock_class test_class = {"exercise", 0};

/* Of the running test.  It is not freed if a thread is left behind, which may still use it. */
static struct {
	struct spinlock guard;
	struct wait_queue queue;
	u64 deadline_ns;
	u32 flags;
	bool going, ready,
	    enough; /* the sleeper may begin a round; its condition; no more rounds */
	u32 order, ended[PINNED_MAX]; /* numbers of the threads, in the order of their ends */
} * s;

static void begin(u64 deadline_ns, u32 flags)
{
	s = kzalloc(sizeof(*s));
	require(s);
	spinlock_init(&s->guard, &test_class);
	wait_queue_init(&s->queue, "exercise");
	s->deadline_ns = deadline_ns;
	s->flags = flags;
}

/* Wake what still sleeps, whatever the test found, and let the threads end. */
static void end(u32 count)
{
	bool all = true;

	for (u32 i = 0; i < count; i++)
		all = all && READ_ONCE(pinned[i].done);
	if (!all)
		wait_wake_all(&s->queue);
	if (pinned_end(count))
		kfree(s);
}

static void wait_once(u32 number)
{
	spin_lock(&s->guard);
	pinned[number].result = wait_sleep(&s->queue, &s->guard, s->deadline_ns, s->flags);
	spin_unlock(&s->guard);
	s->ended[s->order++ % PINNED_MAX] = number;
}

KTEST(sleep_leaves_the_cpu)
{
	u64 sleeps;

	begin(WAIT_FOREVER, 0);
	pinned_start(1, wait_once);
	KEXPECT_EQ(pinned_asleep(0), true); /* neither on a CPU nor in a run queue */
	sleeps = pinned_sleeps(1);
	take_turns(PINNED_TURNS);
	KEXPECT_EQ(pinned_sleeps(1), sleeps); /* it was not woken to look again */
	KEXPECT(!pinned[0].done);
	wait_wake_one(&s->queue);
	take_turns(PINNED_TURNS);
	KEXPECT_EQ(pinned[0].done, true);
	KEXPECT_EQ(pinned[0].result, 0);
	end(1);
}

KTEST(sleep_wakes_one)
{
	begin(WAIT_FOREVER, 0);
	pinned_start(4, wait_once);
	KEXPECT_EQ(pinned_asleep_count(4), 4);
	for (u32 i = 1; i <= 4; i++) {
		wait_wake_one(&s->queue);
		take_turns(PINNED_TURNS);
		KEXPECT_EQ(s->order, i); /* threads that have returned after i wake-ups */
	}
	end(4);
}

KTEST(sleep_longest_first)
{
	begin(WAIT_FOREVER, 0);
	pinned_start(4, wait_once);
	KEXPECT_EQ(pinned_asleep_count(4), 4);
	for (u32 i = 0; i < 4; i++) {
		wait_wake_one(&s->queue);
		take_turns(PINNED_TURNS);
		KEXPECT_EQ(s->ended[i], i); /* thread 0 began to wait first */
	}
	end(4);
}

/* Make one thread sleep with a deadline; on return it sleeps and the deadline is still to come.  It
 * begins with a short time and takes a longer one if the host did not let the thread come so far.
 * False, and a failed test: the thread does not sleep. */
static bool sleep_with_deadline(void)
{
	for (u64 ms = 20; ms < 2000; ms *= 2) {
		begin(clock_now_ns() + ms * NSEC_PER_MSEC, 0);
		pinned_start(1, wait_once);
		if (pinned_asleep(0) && clock_now_ns() < s->deadline_ns)
			return true;
		end(1);
	}
	KEXPECT(!"the thread sleeps");
	return false;
}

/* In each round the slice of the sleeper ends one instruction later on its way to sleep, and the
 * waker runs.  After its wake-up the sleeper must not sleep. */
static u32 rounds_lost(void (*wake)(void))
{
	u32 lost = 0;

	KEXPECT_EQ(pinned_asleep(0), true); /* in a first sleep, which is an ordinary one */
	s->enough = !pinned_asleep(0);
	wait_wake_all(&s->queue);
	while (!READ_ONCE(pinned[0].done)) {
		s->ready = false;
		step.fired = false;
		s->going = true;
		(void)TURNS_UNTIL(READ_ONCE(step.fired) || READ_ONCE(pinned[0].done));
		wake();
		take_turns(PINNED_TURNS);
		if (!pinned_asleep(0))
			continue;
		if (!lost)
			step_report("a wake-up is lost if the waker runs");
		lost = lost ?: step.round;
		wait_wake_all(&s->queue);
		thread_wake(pinned[0].thread);
		take_turns(PINNED_TURNS);
	}
	return lost;
}

static void wait_for_go(void)
{
	while (!READ_ONCE(s->going))
		sched_yield();
	s->going = false;
}

static void step_into_wait(u32 number)
{
	wait_once(number);
	step_begin(1);
	do {
		wait_for_go();
		spin_lock(&s->guard);
		step_start(step_preempt);
		while (!READ_ONCE(s->ready))
			(void)wait_sleep(&s->queue, &s->guard, WAIT_FOREVER, 0);
		spin_unlock(&s->guard);
	} while (step_stop() && !s->enough);
	step_end();
}

static void make_ready(void)
{
	spin_lock(&s->guard);
	s->ready = true;
	wait_wake_one(&s->queue);
	spin_unlock(&s->guard);
}

KTEST(sleep_guard_held_until_queued)
{
	begin(WAIT_FOREVER, 0);
	pinned_start(1, step_into_wait);
	KEXPECT_EQ(rounds_lost(make_ready), 0); /* the instruction before which the waker ran */
	end(1);
}

static void step_into_sleep(u32 number)
{
	wait_once(number);
	step_begin(1);
	do {
		wait_for_go();
		step_start(step_preempt);
		(void)sleep_until_woken(&s->ready, WAIT_FOREVER, 0);
	} while (step_stop() && !s->enough);
	step_end();
}

static void set_woken(void)
{
	__atomic_store_n(&s->ready, true, __ATOMIC_SEQ_CST);
	(void)thread_wake(pinned[0].thread);
}

KTEST(sleep_wake_at_any_moment)
{
	begin(WAIT_FOREVER, 0);
	pinned_start(1, step_into_sleep);
	KEXPECT_EQ(rounds_lost(set_woken), 0); /* the instruction before which the waker ran */
	end(1);
}

KTEST(sleep_deadline)
{
	if (!sleep_with_deadline())
		return;
	while (!READ_ONCE(pinned[0].done) && clock_now_ns() < s->deadline_ns + 3 * NSEC_PER_SEC)
		sched_yield();
	KEXPECT(clock_now_ns() >= s->deadline_ns);
	KEXPECT_EQ(pinned[0].done, true); /* 3 s after the deadline */
	if (pinned[0].done)
		KEXPECT_EQ(pinned[0].result, -ETIMEDOUT);
	end(1);
}

KTEST(sleep_leaves_the_queue)
{
	if (!sleep_with_deadline())
		return;
	while (clock_now_ns() < s->deadline_ns)
		sched_yield();
	thread_wake(pinned[0].thread); /* if there is no timer */
	take_turns(PINNED_TURNS);
	KEXPECT_EQ(list_empty(&s->queue.waiters), true); /* its stack frame is gone */
	list_init(&s->queue.waiters);
	end(1);
}

/* The deadline passes, and before the sleeper can run, a waker takes it from the queue. */
KTEST(sleep_wake_up_beats_deadline)
{
	if (!sleep_with_deadline())
		return;
	preempt_disable();
	while (clock_now_ns() < s->deadline_ns + NSEC_PER_MSEC)
		cpu_relax();
	wait_wake_one(&s->queue);
	preempt_enable();
	take_turns(PINNED_TURNS);
	KEXPECT_EQ(pinned[0].done, true);
	KEXPECT_EQ(pinned[0].result, 0); /* -ETIMEDOUT (-110): the waker has woken no thread */
	end(1);
}

KTEST(sleep_awake_afterwards)
{
	static const bool woken = true;
	struct thread *t = current_thread();

	KEXPECT_EQ(sleep_until_woken(&woken, WAIT_FOREVER, 0), 0);
	KEXPECT_EQ(t->state, THREAD_RUNNABLE);
	KEXPECT_EQ(sleep_until_woken(NULL, clock_now_ns(), WAIT_SIGNALS), -ETIMEDOUT);
	KEXPECT_EQ(t->state, THREAD_RUNNABLE);
	KEXPECT_EQ(t->wait.flags, 0);
	thread_set_state(THREAD_RUNNABLE);
}

/* A signal ends the sleeps whose flags say so. */
static void interrupt(u32 flags, u32 work, bool ends)
{
	begin(WAIT_FOREVER, flags);
	pinned_start(1, wait_once);
	thread_notify(pinned[0].thread, work);
	take_turns(PINNED_TURNS);
	KEXPECT_EQ(pinned[0].done, ends);
	if (pinned[0].done)
		KEXPECT_EQ(pinned[0].result, -EINTR);
	__atomic_fetch_and(&pinned[0].thread->pending_work, ~work, __ATOMIC_SEQ_CST);
	end(1);
}

KTEST(sleep_signals)
{
	interrupt(WAIT_SIGNALS, WORK_SIGNAL, true);
	interrupt(WAIT_KILLABLE, WORK_SIGNAL, false);
	interrupt(WAIT_KILLABLE, WORK_KILLED, true);
	interrupt(0, WORK_KILLED, false);
}
