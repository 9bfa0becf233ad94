/* SPDX-License-Identifier: MIT
 *
 * The checks of the exercise `mutex`.  The threads take turns on one CPU (kpinned.h), and where a
 * moment counts, all moments are tried (kstep.h).
 */
#include "arch/x86_64/pc/clock.h"
#include "kernel/lib/errno.h"
#include "kernel/task/mutex.h"
#include "tests/kernel/kpinned.h"
#include "tests/kernel/kstep.h"

static struct lock_class test_class = {"exercise", 0};

/* Of the running test.  It is not freed if a thread is left behind, which may still use it. */
static struct {
	struct mutex mutex;
	int (*lock)(struct mutex *m);
	u32 inside, most_inside, entered;
	bool go, enough, unlock_now, unlocking, unlocked;
} * s;

static int lock(struct mutex *m)
{
	mutex_lock(m);
	return 0;
}

static void begin(int (*how)(struct mutex *))
{
	s = kzalloc(sizeof(*s));
	require(s);
	mutex_init(&s->mutex, &test_class);
	s->lock = how;
}

static void end(u32 count)
{
	bool all = true;

	for (u32 i = 0; i < count; i++)
		all = all && READ_ONCE(pinned[i].done);
	if (!all)
		wait_wake_all(&s->mutex.queue);
	if (pinned_end(count))
		kfree(s);
}

/* Stay inside for some turns of the others: a thread that does not respect the mutex comes in. */
static void stay_inside(void)
{
	s->inside++;
	s->most_inside = MAX(s->most_inside, s->inside);
	take_turns(3);
	s->entered++;
	s->inside--;
}

static void enter_once(u32 number)
{
	pinned[number].result = s->lock(&s->mutex);
	if (pinned[number].result)
		return;
	stay_inside();
	mutex_unlock(&s->mutex);
}

/* The caller holds the mutex, and `count` threads want it. */
static void begin_contended(u32 count, int (*how)(struct mutex *))
{
	begin(how);
	mutex_lock(&s->mutex);
	pinned_start(count, enter_once);
}

KTEST(mutex_waiters_sleep)
{
	u64 sleeps;

	begin_contended(4, lock);
	KEXPECT_EQ(pinned_asleep_count(4), 4); /* neither on a CPU nor in a run queue */
	sleeps = pinned_sleeps(4);
	take_turns(PINNED_TURNS);
	KEXPECT_EQ(pinned_sleeps(4), sleeps); /* they were not woken to look again */
	KEXPECT_EQ(s->entered, 0);
	mutex_unlock(&s->mutex);
	end(4);
}

KTEST(mutex_unlock_wakes)
{
	begin_contended(1, lock);
	KEXPECT_EQ(pinned_asleep_count(1), 1);
	mutex_unlock(&s->mutex);
	take_turns(PINNED_TURNS);
	KEXPECT_EQ(s->entered, 1);
	KEXPECT(!s->mutex.owner);
	KEXPECT_EQ(s->mutex.waiters, 0);
	end(1);
}

KTEST(mutex_wakes_one)
{
	u64 sleeps;

	begin_contended(6, lock);
	KEXPECT_EQ(pinned_asleep_count(6), 6);
	sleeps = pinned_sleeps(6);
	mutex_unlock(&s->mutex);
	take_turns(PINNED_TURNS);
	KEXPECT_EQ(s->most_inside, 1);
	KEXPECT_EQ(s->entered, 6);
	/* A woken thread finds the mutex free; one that is woken too early must sleep once more. */
	KEXPECT_EQ(pinned_sleeps(6) - sleeps, 0);
	end(6);
}

/* In each round the slice of the first thread ends one instruction later, in mutex_lock(), and the
 * other one takes the mutex. */
static void step_into_lock(u32 number)
{
	mutex_lock(&s->mutex); /* the first time it sleeps */
	mutex_unlock(&s->mutex);
	step_begin(1);
	do {
		bool mine;

		while (!READ_ONCE(s->go))
			sched_yield();
		s->go = false;
		step_start(step_preempt);
		mine = mutex_trylock(&s->mutex);
		if (mine)
			s->inside++;
		s->most_inside = MAX(s->most_inside, s->inside);
		if (mine && s->inside == 1)
			mutex_unlock(&s->mutex);
		s->inside -= mine;
	} while (step_stop() && !s->enough);
	step_end();
}

KTEST(mutex_one_inside)
{
	begin(lock);
	mutex_lock(&s->mutex);
	pinned_start(1, step_into_lock);
	KEXPECT_EQ(pinned_asleep(0), true);
	s->enough = !pinned_asleep(0);
	mutex_unlock(&s->mutex);
	wait_wake_all(
	    &s->mutex.queue); /* an unlock that does not wake is not what is tested here */
	while (!READ_ONCE(pinned[0].done)) {
		step.fired = false;
		s->go = true;
		if (!TURNS_UNTIL(READ_ONCE(step.fired) || READ_ONCE(pinned[0].done)))
			break;		       /* it still sleeps: pinned_end() reports it */
		if (!mutex_trylock(&s->mutex)) /* the other has it already */
			continue;
		s->inside++;
		take_turns(PINNED_TURNS);
		if (s->most_inside > 1) {
			step_report("two threads have the mutex if the second comes");
			s->mutex.owner = current_thread();
			s->enough = true;
		}
		s->inside--;
		mutex_unlock(&s->mutex);
		take_turns(PINNED_TURNS);
	}
	KEXPECT_EQ(s->most_inside, 1);
	end(1);
}

/* In each round the slice of the owner ends one instruction later in mutex_unlock(). */
static void step_into_unlock(u32 number)
{
	step_begin(1);
	do {
		while (!READ_ONCE(s->go))
			sched_yield();
		s->go = false;
		mutex_lock(&s->mutex);
		take_turns(PINNED_TURNS); /* the other one goes to sleep */
		step_start(step_preempt);
		mutex_unlock(&s->mutex);
	} while (step_stop() && !s->enough);
	step_end();
	s->enough = true;
}

static void enter_often(u32 number)
{
	while (!READ_ONCE(s->enough)) {
		if (s->mutex.owner) {
			mutex_lock(&s->mutex);
			s->entered++;
			mutex_unlock(&s->mutex);
		}
		sched_yield();
	}
}

static void two_threads(u32 number)
{
	(number ? enter_often : step_into_unlock)(number);
}

KTEST(mutex_unlock_at_any_moment)
{
	u32 lost = 0;

	begin(lock);
	pinned_start(2, two_threads);
	while (!READ_ONCE(s->enough)) {
		u32 before = s->entered;

		s->go = true;
		if (TURNS_UNTIL(s->entered > before || s->enough) || !pinned_asleep(1))
			continue;
		step_report("the mutex is free and the other thread sleeps for ever if it runs");
		lost = step.round;
		s->enough = true;
	}
	KEXPECT_EQ(lost, 0);
	KEXPECT(s->entered > 0 && pinned_sleeps(2) > 0);
	end(2);
}

/* The owner is on another CPU, and unlocks before the n-th instruction of mutex_lock(): as far as
 * it can, for it may have to wait for a lock that the waiter holds. */
static void unlock_elsewhere(struct step_frame *frame)
{
	u64 until;

	__atomic_store_n(&s->unlock_now, true, __ATOMIC_SEQ_CST);
	while (!READ_ONCE(s->unlocking))
		cpu_relax();
	until = clock_now_ns() + 400 * NSEC_PER_USEC;
	while (!READ_ONCE(s->unlocked) && clock_now_ns() < until)
		cpu_relax();
}

static void step_into_slow_lock(u32 number)
{
	enter_once(number);
	step_begin(3);
	do {
		while (!READ_ONCE(s->go))
			sched_yield();
		s->go = false;
		step_start(unlock_elsewhere);
		mutex_lock(&s->mutex);
		mutex_unlock(&s->mutex);
		s->entered++;
	} while (step_stop() && !s->enough);
	step_end();
}

/* The mutex is free, and the thread is found asleep, again and again. */
static bool sleeps_for_ever(void)
{
	for (u32 i = 0; i < 1000; i++) {
		if (!pinned_asleep(0) || READ_ONCE(s->mutex.owner))
			return false;
		cpu_relax();
	}
	return true;
}

KTEST(mutex_waiter_is_counted)
{
	u32 lost = 0;

	if (cpu_count == 1)
		return;
	begin(lock);
	mutex_lock(&s->mutex);
	pinned_start(1, step_into_slow_lock);
	KEXPECT_EQ(pinned_asleep(0), true);
	s->enough = !pinned_asleep(0);
	mutex_unlock(&s->mutex);
	wait_wake_all(
	    &s->mutex.queue); /* an unlock that does not wake is not what is tested here */
	pin_to((pinned_cpu + 1) % cpu_count);
	while (!READ_ONCE(pinned[0].done)) {
		u32 before = s->entered;

		s->unlock_now = s->unlocking = s->unlocked = false;
		mutex_lock(&s->mutex);
		s->go = true;
		while (!READ_ONCE(s->unlock_now) && !READ_ONCE(pinned[0].done) && !pinned_asleep(0))
			cpu_relax();
		__atomic_store_n(&s->unlocking, true, __ATOMIC_SEQ_CST);
		mutex_unlock(&s->mutex);
		__atomic_store_n(&s->unlocked, true, __ATOMIC_SEQ_CST);
		while (READ_ONCE(s->entered) == before && !READ_ONCE(pinned[0].done)) {
			if (!sleeps_for_ever())
				continue;
			if (!lost)
				step_report("the mutex is free and the waiter sleeps for ever if "
					    "the owner unlocks");
			lost = step.round ?: 1;
			s->enough = true;
			wait_wake_all(&s->mutex.queue);
		}
	}
	KEXPECT_EQ(lost, 0);
	pin_to(pinned_cpu);
	end(1);
}

static void end_by_signal(int (*how)(struct mutex *), u32 work, bool ends)
{
	begin_contended(1, how);
	KEXPECT_EQ(pinned_asleep_count(1), 1);
	thread_notify(pinned[0].thread, work);
	take_turns(PINNED_TURNS);
	KEXPECT_EQ(pinned[0].done, ends);
	KEXPECT_EQ(pinned[0].result, ends ? -EINTR : 0);
	KEXPECT_EQ(s->mutex.waiters, !ends);
	KEXPECT_EQ(s->mutex.owner == current_thread(), true);
	__atomic_fetch_and(&pinned[0].thread->pending_work, ~work, __ATOMIC_SEQ_CST);
	mutex_unlock(&s->mutex);
	take_turns(PINNED_TURNS);
	KEXPECT_EQ(s->entered, !ends);
	end(1);
}

KTEST(mutex_signals)
{
	end_by_signal(lock, WORK_KILLED, false);
	end_by_signal(mutex_lock_killable, WORK_SIGNAL, false);
	end_by_signal(mutex_lock_killable, WORK_KILLED, true);
	end_by_signal(mutex_lock_interruptible, WORK_SIGNAL, true);
}
