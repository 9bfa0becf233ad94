/* SPDX-License-Identifier: MIT
 *
 * Clocks and sleeping.
 */
#include "arch/x86_64/pc/clock.h"
#include "kernel/lib/errno.h"
#include "kernel/proc/inspect.h"
#include "kernel/sys/calls.h"

/* --- Clocks ----------------------------------------------------------------------------------- */

u64 cpu_clock_ns(const struct cpu_clock *clock)
{
	struct resource_use use;

	if (clock->thread)
		thread_resource_use(clock->thread, &use);
	else
		process_resource_use(clock->process, &use);
	return use.user_ns + (clock->user_only ? 0 : use.kernel_ns);
}

/* clock_getcpuclockid(3) makes ~number << 3 | kind, with bit 2 for a thread; kind 1 is the time in
 * user mode, 0 and 2 are all CPU time. */
int cpu_clock_get(int id, struct cpu_clock *clock)
{
	bool of_thread = id < 0 ? id & 4 : id == CLOCK_THREAD_CPUTIME_ID;
	pid_t number = id < 0 ? ~(id >> 3) : 0;
	struct thread *t;

	if (id < 0 ? (id & 3) == 3 : !of_thread && id != CLOCK_PROCESS_CPUTIME_ID)
		return -EINVAL;
	t = thread_by_argument(number);
	if (!t)
		return -EINVAL;
	*clock = (struct cpu_clock){t->process, t, id < 0 && (id & 3) == 1};
	process_get(t->process);
	if (of_thread ? t->process == current_process() : !number || t->process->pid == number) {
		if (!of_thread) {
			clock->thread = NULL;
			thread_put(t);
		}
		return 0;
	}
	cpu_clock_put(clock);
	return -EINVAL;
}

void cpu_clock_put(struct cpu_clock *clock)
{
	if (clock->thread)
		thread_put(clock->thread);
	process_put(clock->process);
}

int clock_read(int clock, u64 *ns)
{
	struct cpu_clock cpu;
	int error;

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
	}
	error = cpu_clock_get(clock, &cpu);
	if (!error) {
		*ns = cpu_clock_ns(&cpu);
		cpu_clock_put(&cpu);
	}
	return error;
}

static long put_clock(int clock, u64 user, bool resolution)
{
	u64 ns;
	int error = clock_read(clock, &ns);

	return error || (resolution && !user) ? error : time_put(user, TIMESPEC, resolution ? 1 : ns);
}

CALL(clock_gettime, put_clock((int)a, b, false))
CALL(clock_getres, put_clock((int)a, b, true))

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

long sleep_relative(u64 ns, u64 rest)
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
