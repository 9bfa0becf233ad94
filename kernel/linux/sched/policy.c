/* SPDX-License-Identifier: MIT
 *
 * Scheduling policies and priorities: which are valid, who may set them, and what a new thread
 * inherits.  The scheduler has one policy, round robin with one slice for all threads.  What a
 * program sets here is kept, and returned to programs that ask, and changes nothing else.
 */
#include "kernel/linux/sched/policy.h"

#include "kernel/lib/errno.h"
#include "kernel/linux/limits.h"
#include "kernel/task/process_events.h"

#define RUNTIME_MIN 1024 /* nanoseconds: sched_setattr(2) */

DEFINE_PER_THREAD(struct sched_attributes, sched_attributes);

static void inherit(struct thread *t)
{
	struct sched_attributes *a = per_thread(t, sched_attributes);

	*a = *per_thread(current_thread(), sched_attributes);
	if (!a->reset_on_fork)
		return;
	a->reset_on_fork = false;
	a->nice = MAX(a->nice, (s8)0);
	if (policy_is_realtime(a->policy) || a->policy == SCHED_DEADLINE)
		*a = (struct sched_attributes){.policy = SCHED_OTHER};
}

ON_EVENT(clone, inherit);

int sched_thread(u64 tid, struct thread **t)
{
	if ((s32)tid < 0)
		return -EINVAL;
	*t = thread_by_argument((tid_t)tid);
	return *t ? 0 : -ESRCH;
}

static bool is_valid(const struct sched_attributes *a)
{
	if (policy_is_realtime(a->policy))
		return a->priority >= 1 && a->priority <= PRIORITY_MAX;
	if (!policy_is_valid(a->policy) || a->priority)
		return false;
	return a->policy != SCHED_DEADLINE ||
	       (a->runtime >= RUNTIME_MIN && a->runtime <= a->deadline && !(a->deadline >> 63) &&
		!(a->period >> 63) && (!a->period || a->deadline <= a->period));
}

/* May the thread be given this nice value without CAP_SYS_NICE? */
static bool nice_is_allowed(const struct thread *t, s32 nice)
{
	return (u64)(20 - nice) <= process_limit(t->process, RLIMIT_NICE);
}

/* What only CAP_SYS_NICE allows: sched(7).  RLIMIT_RTPRIO is the highest real-time priority that a
 * thread may be given without it; the thread may keep or lower the one that it has. */
static bool needs_privilege(struct thread *t, const struct sched_attributes *new)
{
	const struct sched_attributes *old = per_thread(t, sched_attributes);
	u64 limit = process_limit(t->process, RLIMIT_RTPRIO);

	if (new->policy == SCHED_DEADLINE || (old->reset_on_fork && !new->reset_on_fork))
		return true;
	if (policy_is_realtime(new->policy))
		return (new->policy != old->policy && !limit) ||
		       (new->priority > old->priority &&new->priority > limit);
	if (old->policy == SCHED_IDLE && new->policy != SCHED_IDLE &&
	    !nice_is_allowed(t, old->nice))
		return true;
	return new->nice < old->nice && !nice_is_allowed(t, new->nice);
}

long sched_apply(struct thread *t, const struct sched_attributes *new)
{
	if (!is_valid(new))
		return -EINVAL;
	if (!may_reschedule(t) || (needs_privilege(t, new) && !capable(CAP_SYS_NICE)))
		return -EPERM;
	*per_thread(t, sched_attributes) = *new;
	return 0;
}
