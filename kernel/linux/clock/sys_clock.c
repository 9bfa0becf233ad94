/* SPDX-License-Identifier: MIT
 *
 * clock_settime(), and two older ways to read the time: gettimeofday(), time().
 */
#include "arch/x86_64/pc/clock.h"
#include "kernel/lib/errno.h"
#include "kernel/linux/clock_events.h"
#include "kernel/sys/calls.h"

/* As on Linux, the machine may run for 30 years more before the clock reaches 2^63 ns. */
#define SETTABLE_MAX_NS ((INT64_MAX / NSEC_PER_SEC - 30 * 365 * 24 * 3600) * NSEC_PER_SEC)

SYSCALL2(clock_settime, clock, user)
{
	u64 ns;
	int error;

	if ((int)clock != CLOCK_REALTIME)
		return -EINVAL;
	error = time_get(user, TIMESPEC, &ns);
	if (error)
		return error;
	if (ns >= SETTABLE_MAX_NS)
		return -EINVAL;
	if (!capable(CAP_SYS_TIME))
		return -EPERM;
	if (ns < clock_now_ns()) /* would put the boot before 1970 */
		return -EINVAL;
	clock_set_realtime(ns);
	linker_set_for_each(event, clock_events) event->realtime_set();
	return 0;
}

/* struct timezone is two ints, which are always zero. */
SYSCALL2(gettimeofday, user, zone)
{
	static const u32 utc[2];

	if (user && time_put(user, TIMEVAL, clock_realtime_ns()))
		return -EFAULT;
	return zone ? copy_to_user((void *)zone, utc, sizeof(utc)) : 0;
}

SYSCALL1(time, user)
{
	u64 seconds = clock_realtime_ns() / NSEC_PER_SEC;

	if (user && put_user_u64((u64 *)user, seconds))
		return -EFAULT;
	return (long)seconds;
}
