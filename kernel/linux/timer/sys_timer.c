/* SPDX-License-Identifier: MIT
 *
 * The system calls of POSIX timers: timer_create() and those that take its timer.
 */
#include "kernel/lib/errno.h"
#include "kernel/linux/timer/posix_timer.h"
#include "kernel/sys/calls.h"

SYSCALL3(timer_create, clock, user_event, user_id)
{
	struct sigevent event;
	int error, id;

	if (user_event && copy_from_user(&event, (void *)user_event, sizeof(event)))
		return -EFAULT;
	error = posix_timer_create((int)clock, user_event ? &event : NULL, &id);
	if (!error && put_user_u32((u32 *)user_id, (u32)id)) {
		posix_timer_delete(id);
		error = -EFAULT;
	}
	return error;
}

SYSCALL4(timer_settime, id, flags, user, old_user)
{
	struct timer_setting setting, old;
	int error = user ? timer_setting_get(user, TIMESPEC, &setting) : -EINVAL;

	if (!error)
		error = posix_timer_exchange((int)id, flags & TIMER_ABSTIME, &setting, &old);
	if (!error && old_user)
		error = timer_setting_put(old_user, TIMESPEC, &old);
	return error;
}

SYSCALL2(timer_gettime, id, user)
{
	struct timer_setting setting;
	int error = posix_timer_exchange((int)id, false, NULL, &setting);

	return error ? error : timer_setting_put(user, TIMESPEC, &setting);
}

CALL(timer_getoverrun, posix_timer_getoverrun((int)a))
CALL(timer_delete, posix_timer_delete((int)a))
