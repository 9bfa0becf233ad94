/* SPDX-License-Identifier: MIT
 *
 * What programs have set about the scheduling of a thread: stored, returned and inherited by
 * clone(), but ignored by the scheduler.
 */
#pragma once

#include "kernel/task/per_thread.h"

struct sched_attributes {
	s8 nice;     /* setpriority(2) */
	u8 priority; /* sched_setparam(2): 1 to 99 with SCHED_FIFO and SCHED_RR, else 0 */
	u8 policy;   /* sched_setscheduler(2): SCHED_* */
	bool reset_on_fork;		 /* children get the default policy: SCHED_RESET_ON_FORK */
	u64 runtime, deadline, period; /* of SCHED_DEADLINE, in nanoseconds: sched_setattr(2) */
};

DECLARE_PER_THREAD(struct sched_attributes, sched_attributes);

/* For other extensions: those of `t`, or zeros if this extension is left out. */
static inline const struct sched_attributes *sched_attributes_of(const struct thread *t)
{
	static const struct sched_attributes none;

	return WITH_SCHED ? per_thread(t, sched_attributes) : &none;
}
