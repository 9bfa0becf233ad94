/* SPDX-License-Identifier: MIT
 *
 * Scheduling policies and priorities.  The scheduler has one policy, round robin with one slice for
 * all threads.  What a program sets here is kept, and returned to programs that ask, and changes
 * nothing else.
 */
#include "kernel/lib/errno.h"
#include "kernel/linux/limits.h"
#include "kernel/linux/sched/permission.h"
#include "kernel/sys/sched_attributes.h"
#include "kernel/task/process_events.h"
#include "kernel/task/sched.h"

#define SCHED_OTHER	    0
#define SCHED_FIFO	    1
#define SCHED_RR	    2
#define SCHED_BATCH	    3
#define SCHED_IDLE	    5
#define SCHED_RESET_ON_FORK 0x40000000
#define PRIORITY_MAX	    99 /* of FIFO and RR; the lowest is 1 */

DEFINE_PER_THREAD(struct sched_attributes, sched_attributes);

static void inherit(struct thread *t)
{
	*per_thread(t, sched_attributes) = *per_thread(current_thread(), sched_attributes);
}

PROCESS_EVENTS(sched_events) = {.clone = inherit};

/* Find the thread of a TID (0: the caller); the caller gets a reference.  -EINVAL if the TID is
 * negative, -ESRCH if there is no such thread. */
static int thread_argument(u64 tid, struct thread **t)
{
	if ((s32)tid < 0)
		return -EINVAL;
	*t = thread_by_argument((tid_t)tid);
	return *t ? 0 : -ESRCH;
}

static bool policy_is_realtime(u32 policy)
{
	return policy == SCHED_FIFO || policy == SCHED_RR;
}

static bool policy_is_valid(u32 policy)
{
	return policy_is_realtime(policy) || policy == SCHED_OTHER || policy == SCHED_BATCH ||
	       policy == SCHED_IDLE;
}

/* sched(7): RLIMIT_RTPRIO is the highest real-time priority that a thread may be given without
 * CAP_SYS_NICE; it may keep or lower the one that it has. */
static bool within_limit(struct thread *t, u32 policy, u32 priority)
{
	const struct sched_attributes *a = per_thread(t, sched_attributes);
	u64 limit = process_limit(t->process, RLIMIT_RTPRIO);

	return ((policy == a->policy || limit) && (priority <= a->priority || priority <= limit)) ||
	       capable(CAP_SYS_NICE);
}

/* Set policy and priority.  If `policy` is -1, only the priority changes. */
static long set_policy(u64 tid, s32 policy, u64 user)
{
	struct thread *t;
	u32 priority, wanted;
	long error;

	if (!user)
		return -EINVAL;
	if (get_user_u32(&priority, (u32 *)user))
		return -EFAULT;
	error = thread_argument(tid, &t);
	if (error)
		return error;
	wanted = policy == -1 ? per_thread(t, sched_attributes)->policy
			      : (u32)policy & ~SCHED_RESET_ON_FORK;
	if (!policy_is_valid(wanted) ||
	    (policy_is_realtime(wanted) ? priority < 1 || priority > PRIORITY_MAX
					: priority != 0)) {
		error = -EINVAL;
	} else if (!may_reschedule(t) ||
		   (policy_is_realtime(wanted) && !within_limit(t, wanted, priority))) {
		error = -EPERM;
	} else {
		WRITE_ONCE(per_thread(t, sched_attributes)->policy, (u8)wanted);
		WRITE_ONCE(per_thread(t, sched_attributes)->priority, (u8)priority);
	}
	thread_put(t);
	return error;
}

CALL(sched_setscheduler, (s32)b < 0 ? -EINVAL : set_policy(a, (s32)b, c))
CALL(sched_setparam, set_policy(a, -1, b))

SYSCALL1(sched_getscheduler, tid)
{
	struct thread *t;
	long result = thread_argument(tid, &t);

	if (result)
		return result;
	result = READ_ONCE(per_thread(t, sched_attributes)->policy);
	thread_put(t);
	return result;
}

SYSCALL2(sched_getparam, tid, user)
{
	struct thread *t;
	int error = user ? thread_argument(tid, &t) : -EINVAL;
	u32 priority;

	if (error)
		return error;
	priority = READ_ONCE(per_thread(t, sched_attributes)->priority);
	thread_put(t);
	return put_user_u32((u32 *)user, priority);
}

/* `limit` for real-time policies, 0 for the others, which have no priorities. */
static long priority_limit(u32 policy, u32 limit)
{
	if (!policy_is_valid(policy))
		return -EINVAL;
	return policy_is_realtime(policy) ? limit : 0;
}

CALL(sched_get_priority_max, priority_limit((u32)a, PRIORITY_MAX))
CALL(sched_get_priority_min, priority_limit((u32)a, 1))

SYSCALL2(sched_rr_get_interval, tid, user)
{
	struct thread *t;
	int error = thread_argument(tid, &t);

	if (error)
		return error;
	thread_put(t);
	return time_put(user, TIMESPEC, sched_slice_ns());
}
