/* SPDX-License-Identifier: MIT
 *
 * clock_nanosleep(2).
 */
#include "arch/x86_64/pc/clock.h"
#include "kernel/linux/clock_events.h"
#include "kernel/linux/cpu_alarm.h"
#include "kernel/linux/errno.h"
#include "kernel/linux/timer_setting.h"
#include "kernel/sys/calls.h"

/* On a clock of CPU time.  It is not restarted after a signal; Linux does not write the rest of an
 * absolute time either. */
static long sleep_on_cpu_clock(int id, bool absolute, u64 ns, u64 rest)
{
	struct cpu_clock clock;
	int error = cpu_clock_get(id, &clock);
	u64 now;

	if (error)
		return error;
	/* A thread cannot wait for its own time to pass. */
	if (clock.thread == current_thread()) {
		error = -EINVAL;
	} else {
		ns += absolute ? 0 : MIN(cpu_clock_ns(&clock), UINT64_MAX - ns);
		error = cpu_clock_sleep_until(&clock, ns);
		now = cpu_clock_ns(&clock);
		if (error && !absolute && rest && time_put(rest, TIMESPEC, ns > now ? ns - now : 0))
			error = -EFAULT;
		else if (error)
			error = absolute ? -ERESTARTNOHAND : -EINTR;
	}
	cpu_clock_put(&clock);
	return error;
}

/* Sleepers until a time of CLOCK_REALTIME: when the clock is set, each computes its deadline anew.
 */
static struct lock_class realtime_class = {"realtime sleep", 0};
static struct spinlock realtime_lock = SPINLOCK_INIT(&realtime_class);
static struct wait_queue realtime_sleepers = WAIT_QUEUE_INIT(realtime_sleepers, "realtime");

/* The clock has been set.  A sleeper that has computed its deadline under the lock before is in the
 * queue now.  There may be many, so they are woken without the lock. */
static void realtime_set(void)
{
	spin_lock(&realtime_lock);
	spin_unlock(&realtime_lock);
	wait_wake_all(&realtime_sleepers);
}

CLOCK_EVENTS(sleep_clock_events) = {realtime_set};

/* 0 or -EINTR. */
static int sleep_until_realtime(u64 realtime_ns)
{
	int error = 0;

	spin_lock(&realtime_lock);
	while (error != -EINTR && clock_realtime_ns() < realtime_ns)
		error = wait_sleep(&realtime_sleepers, &realtime_lock,
				   deadline_of_realtime(realtime_ns), WAIT_SIGNALS);
	spin_unlock(&realtime_lock);
	return error == -EINTR ? error : 0;
}

SYSCALL4(clock_nanosleep, clock, flags, user, rest)
{
	u64 ns;
	int error = time_get(user, TIMESPEC, &ns);

	switch ((int)clock) {
	case CLOCK_THREAD_CPUTIME_ID: /* of which the C library makes EINVAL */
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_MONOTONIC_COARSE:
		return -EOPNOTSUPP;
	case CLOCK_REALTIME:
	case CLOCK_TAI:
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
		break;
	default:
		return error ? error
			     : sleep_on_cpu_clock((int)clock, flags & TIMER_ABSTIME, ns, rest);
	}
	if (error)
		return error;
	if (!(flags & TIMER_ABSTIME))
		return sleep_relative(ns, rest);
	if ((int)clock == CLOCK_REALTIME || (int)clock == CLOCK_TAI)
		error = sleep_until_realtime(ns);
	else
		error = sleep_until(ns, WAIT_SIGNALS);
	return error == -EINTR ? -ERESTARTNOHAND : 0;
}
