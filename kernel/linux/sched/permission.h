/* SPDX-License-Identifier: MIT
 *
 * Who may change how a thread is scheduled.
 */
#pragma once

#include "kernel/sys/calls.h"

/* sched_setscheduler(2): a thread of the same user, or any with CAP_SYS_NICE. */
static inline bool may_reschedule(const struct thread *t)
{
	u32 euid = current_thread()->credentials.euid;

	return euid == READ_ONCE(t->credentials.euid) || euid == READ_ONCE(t->credentials.uid) ||
	       capable(CAP_SYS_NICE);
}
