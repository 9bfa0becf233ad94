/* SPDX-License-Identifier: MIT
 *
 * Scenarios of wait queues: wake-ups against signals, time-outs and other waiters.
 */
#include "kernel/lib/errno.h"
#include "kernel/task/mutex.h"
#include "kernel/task/sched.h"
#include "tests/unit/explore/machine.h"

static struct lock_class class = {"explored", 0};
static struct spinlock guard;
static struct mutex mutex;
static struct wait_queue queue;
static u32 ready;

static void setup(void)
{
	machine_setup();
	spinlock_init(&guard, &class);
	mutex_init(&mutex, &class);
	wait_queue_init(&queue, "explored");
	ready = 0;
}

static void end(void)
{
	EXPECT(list_empty(&queue.waiters) && list_empty(&mutex.queue.waiters));
	EXPECT(!guard.owner && !mutex.owner);
}

/* --- A condition under a spinlock ------------------------------------------------------------- */

static void sleep_for_ever(void)
{
	spin_lock(&guard);
	while (!ready)
		EXPECT(wait_sleep(&queue, &guard, WAIT_FOREVER, 0) == 0);
	spin_unlock(&guard);
	machine_exit();
}

static void wake_one(void)
{
	spin_lock(&guard);
	ready = 1;
	wait_wake_one(&queue);
	spin_unlock(&guard);
}

static void wake_all(void)
{
	spin_lock(&guard);
	ready = 1;
	spin_unlock(&guard);
	wait_wake_all(&queue);
}

/* A thread that was woken, and does not find itself ready, passes the wake-up on; one that a signal
 * or the time has woken must not have used one up. */
static void sleep_or_leave(u64 deadline_ns, u32 flags, int why)
{
	int result = 0;

	spin_lock(&guard);
	while (!ready && !result)
		result = wait_sleep(&queue, &guard, deadline_ns, flags);
	EXPECT(result == 0 || result == why);
	if (!result)
		wait_wake_one(&queue);
	spin_unlock(&guard);
}

static void sleep_signals(void)
{
	sleep_or_leave(WAIT_FOREVER, WAIT_SIGNALS, -EINTR);
}

static void sleep_deadline(void)
{
	sleep_or_leave(100, 0, -ETIMEDOUT);
}

static void signal_one(void)
{
	thread_notify(&explore_threads[0], WORK_SIGNAL);
}

static const struct scenario one = {
    "wait", setup, NULL, end, {{"sleeper", sleep_for_ever}, {"waker", wake_one}}};
static const struct scenario two = {
    "wait-all",
    setup,
    NULL,
    end,
    {{"sleeper 1", sleep_for_ever}, {"sleeper 2", sleep_for_ever}, {"waker", wake_all}}};
static const struct scenario with_signal = {
    "wait-signal",
    setup,
    NULL,
    end,
    {{"sleeper", sleep_signals}, {"waker", wake_one}, {"signal", signal_one}}};
static const struct scenario passed_on = {"wait-passed-on",
					  setup,
					  NULL,
					  end,
					  {{"leaver", sleep_signals},
					   {"sleeper", sleep_for_ever},
					   {"waker", wake_one},
					   {"signal", signal_one}},
					  .large = true};
static const struct scenario with_deadline = {
    "wait-deadline",
    setup,
    NULL,
    end,
    {{"sleeper", sleep_deadline}, {"waker", wake_one}, {"clock", machine_clock, true}}};

/* --- A condition under a mutex ---------------------------------------------------------------- */

static void mutex_sleeper(void)
{
	mutex_lock(&mutex);
	while (!ready)
		EXPECT(mutex_wait(&mutex, &queue, WAIT_FOREVER) == 0);
	ready--;
	mutex_unlock(&mutex);
}

static void mutex_waker(void)
{
	mutex_lock(&mutex);
	ready++;
	wait_wake_one(&queue);
	mutex_unlock(&mutex);
}

static const struct scenario condition = {
    "wait-mutex", setup, NULL, end, {{"sleeper", mutex_sleeper}, {"waker", mutex_waker}}};

const struct scenario *const explore_scenarios[] = {
    &one, &two, &with_signal, &with_deadline, &condition, &passed_on, NULL};
