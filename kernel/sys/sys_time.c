/* SPDX-License-Identifier: MIT
 *
 * Clocks and sleeping.
 */
#include "arch/x86_64/pc/clock.h"
#include "kernel/lib/errno.h"
#include "kernel/proc/inspect.h"
#include "kernel/sys/calls.h"

/* --- Clocks ----------------------------------------------------------------------------------- */

static u64 process_cpu_ns(struct process *p)
{
	struct resource_use use;

	process_resource_use(p, &use);
	return use.user_ns + use.kernel_ns;
}

static u64 thread_cpu_ns(struct thread *t)
{
	u64 user_ns, kernel_ns;

	thread_times(t, &user_ns, &kernel_ns);
	return user_ns + kernel_ns;
}

/* A clock that clock_getcpuclockid() or pthread_getcpuclockid() made: ~number << 3, bit 2 for a
 * thread (of the caller's process), the low two the kind: 2 is time on the CPU. */
static int cpu_clock_read(int clock, u64 *ns)
{
	pid_t number = ~(clock >> 3);
	struct process *p;
	struct thread *t;
	int error = 0;

	if ((clock & 3) == 3)
		return -EINVAL;
	if (clock & 4) {
		t = thread_by_argument(number);
		if (!t)
			return -EINVAL;
		if (t->process == current_process())
			*ns = thread_cpu_ns(t);
		else
			error = -EINVAL;
		thread_put(t);
		return error;
	}
	p = process_find(number ? number : current_process()->pid);
	if (!p)
		return -EINVAL;
	*ns = process_cpu_ns(p);
	process_put(p);
	return 0;
}

static int clock_read(int clock, u64 *ns)
{
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_TAI:
		*ns = clock_realtime_ns();
		return 0;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
		*ns = clock_now_ns();
		return 0;
	case CLOCK_PROCESS_CPUTIME_ID:
		*ns = process_cpu_ns(current_process());
		return 0;
	case CLOCK_THREAD_CPUTIME_ID:
		*ns = thread_cpu_ns(current_thread());
		return 0;
	}
	return clock < 0 ? cpu_clock_read(clock, ns) : -EINVAL;
}

SYSCALL2(clock_gettime, clock, user)
{
	u64 ns;
	int error = clock_read((int)clock, &ns);

	return error ? error : time_put(user, TIMESPEC, ns);
}

SYSCALL2(clock_getres, clock, user)
{
	u64 ns;
	int error = clock_read((int)clock, &ns);

	return error || !user ? error : time_put(user, TIMESPEC, 1);
}

/* --- Sleeping --------------------------------------------------------------------------------- */

/* Sleep until restart.arg[0].  After a signal, the time that is left is written to arg[1],
 * unless it is 0, and restart_syscall() continues here. */
static u64 sleep_go_on(struct thread *t)
{
	u64 deadline = t->restart.arg[0], rest = t->restart.arg[1];
	int error = sleep_until(deadline, WAIT_SIGNALS);

	if (error != -EINTR)
		return (u64)error;
	if (rest && time_put(rest, TIMESPEC, time_left(deadline)))
		return (u64)-EFAULT;
	t->restart.fn = sleep_go_on;
	return (u64)-ERESTART_RESTARTBLOCK;
}

static long sleep_relative(u64 ns, u64 rest)
{
	struct thread *t = current_thread();

	t->restart.arg[0] = deadline_after(ns);
	t->restart.arg[1] = rest;
	return (long)sleep_go_on(t);
}

SYSCALL2(nanosleep, user, rest)
{
	u64 ns;
	int error = time_get(user, TIMESPEC, &ns);

	return error ? error : sleep_relative(ns, rest);
}

SYSCALL4(clock_nanosleep, clock, flags, user, rest)
{
	u64 ns;
	int error;

	switch ((int)clock) {
	case CLOCK_REALTIME:
	case CLOCK_TAI:
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
		break;
	case CLOCK_THREAD_CPUTIME_ID:
		return -EINVAL;
	default:
		return clock_read((int)clock, &ns) ? -EINVAL : -EOPNOTSUPP;
	}
	error = time_get(user, TIMESPEC, &ns);
	if (error)
		return error;
	if (!(flags & TIMER_ABSTIME))
		return sleep_relative(ns, rest);
	if ((int)clock == CLOCK_REALTIME || (int)clock == CLOCK_TAI)
		ns = deadline_of_realtime(ns);
	return sleep_until(ns, WAIT_SIGNALS) ? -ERESTARTNOHAND : 0;
}
