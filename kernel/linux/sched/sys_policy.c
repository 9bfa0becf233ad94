/* SPDX-License-Identifier: MIT
 *
 * The calls that set and read policies and priorities.
 */
#include "kernel/linux/errno.h"
#include "kernel/linux/sched/policy.h"
#include "kernel/task/sched.h"

/* Set policy and priority.  If `policy` is -1, only the priority changes. */
static long set_policy(u64 tid, s32 policy, u64 user)
{
	struct sched_attributes new;
	struct thread *t;
	u32 priority;
	long error;

	if (!user)
		return -EINVAL;
	if (get_user_u32(&priority, (u32 *)user))
		return -EFAULT;
	error = sched_thread(tid, &t);
	if (error)
		return error;
	new = *per_thread(t, sched_attributes);
	if (policy != -1) {
		new.policy = (u8)MIN((u32)policy & ~SCHED_RESET_ON_FORK, 255U);
		new.reset_on_fork = policy &SCHED_RESET_ON_FORK;
		new.runtime = new.deadline = new.period = 0;
	}
	new.priority = (u8)MIN(priority, 255U);
	error = sched_apply(t, &new);
	thread_put(t);
	return error;
}

CALL(sched_setscheduler, (s32)b < 0 ? -EINVAL : set_policy(a, (s32)b, c))
CALL(sched_setparam, set_policy(a, -1, b))

SYSCALL1(sched_getscheduler, tid)
{
	struct thread *t;
	long result = sched_thread(tid, &t);

	if (result)
		return result;
	result = READ_ONCE(per_thread(t, sched_attributes)->policy) |
		 (per_thread(t, sched_attributes)->reset_on_fork ? SCHED_RESET_ON_FORK : 0);
	thread_put(t);
	return result;
}

SYSCALL2(sched_getparam, tid, user)
{
	struct thread *t;
	int error = user ? sched_thread(tid, &t) : -EINVAL;
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

/* The slice; 0 for SCHED_FIFO, which has none. */
SYSCALL2(sched_rr_get_interval, tid, user)
{
	struct thread *t;
	int error = sched_thread(tid, &t);
	bool sliced;

	if (error)
		return error;
	sliced = READ_ONCE(per_thread(t, sched_attributes)->policy) != SCHED_FIFO;
	thread_put(t);
	return time_put(user, TIMESPEC, sliced ? sched_slice_ns() : 0);
}

/* --- sched_setattr, sched_getattr ------------------------------------------------------------- */

#define FLAG_RESET_ON_FORK 0x01
#define FLAG_KEEP_POLICY   0x08
#define FLAG_KEEP_PARAMS   0x10
#define FLAGS_KNOWN	   0x1f /* and RECLAIM, DL_OVERRUN, which change nothing here */
#define FLAGS_CLAMP	   0x60 /* utilization: -EOPNOTSUPP without uclamp */

struct sched_attr { /* of the ABI; later versions have more */
	u32 size, policy;
	u64 flags;
	s32 nice;
	u32 priority;
	u64 runtime, deadline, period;
};

/* Copy a structure of any version.  What this kernel does not know must be zero: -E2BIG, and its
 * own size is written. */
static long attr_get(struct sched_attr *attr, u64 user)
{
	u32 size;
	u8 rest = 0;

	if (get_user_u32(&size, (u32 *)user))
		return -EFAULT;
	if (!size)
		size = sizeof(*attr);
	if (size < sizeof(*attr) || size > PAGE_SIZE)
		goto wrong_size;
	if (copy_from_user(attr, (void *)user, sizeof(*attr)))
		return -EFAULT;
	for (u32 i = sizeof(*attr); i < size && !rest; i++)
		if (copy_from_user(&rest, (void *)(user + i), 1))
			return -EFAULT;
	if (!rest)
		return 0;
wrong_size:
	return put_user_u32((u32 *)user, sizeof(*attr)) ? -EFAULT : -E2BIG;
}

/* Change *a as `attr` says. */
static void attr_merge(struct sched_attributes *a, const struct sched_attr *attr)
{
	if (!(attr->flags & FLAG_KEEP_POLICY)) {
		a->policy = (u8)MIN(attr->policy, 255U);
		a->reset_on_fork = attr->flags & FLAG_RESET_ON_FORK;
	}
	if (attr->flags & FLAG_KEEP_PARAMS)
		return;
	a->priority = (u8)MIN(attr->priority, 255U);
	if (!policy_is_realtime(a->policy) && a->policy != SCHED_DEADLINE)
		a->nice = (s8)MAX(MIN(attr->nice, NICE_MAX), NICE_MIN);
	a->runtime = attr->runtime;
	a->deadline = attr->deadline;
	a->period = attr->period;
}

SYSCALL3(sched_setattr, tid, user, flags)
{
	struct sched_attributes new;
	struct sched_attr attr;
	struct thread *t;
	long error;

	if (!user || (s32)tid < 0 || (u32)flags)
		return -EINVAL;
	error = attr_get(&attr, user);
	if (error)
		return error;
	if ((s32)attr.policy < 0 || attr.flags & ~(u64)(FLAGS_KNOWN | FLAGS_CLAMP))
		return -EINVAL;
	if (attr.flags & FLAGS_CLAMP)
		return -EOPNOTSUPP;
	error = sched_thread(tid, &t);
	if (error)
		return error;
	new = *per_thread(t, sched_attributes);
	attr_merge(&new, &attr);
	error = sched_apply(t, &new);
	thread_put(t);
	return error;
}

SYSCALL4(sched_getattr, tid, user, size, flags)
{
	const struct sched_attributes *a;
	struct sched_attr attr = {.size = sizeof(attr)};
	struct thread *t;
	int error;

	if (!user || (u32)size > PAGE_SIZE || (u32)size < sizeof(attr) || (u32)flags)
		return -EINVAL;
	error = sched_thread(tid, &t);
	if (error)
		return error;
	a = per_thread(t, sched_attributes);
	attr.policy = a->policy;
	attr.flags = a->reset_on_fork ? FLAG_RESET_ON_FORK : 0;
	attr.priority = a->priority;
	attr.nice = policy_is_realtime(a->policy) || a->policy == SCHED_DEADLINE ? 0 : a->nice;
	if (a->policy == SCHED_DEADLINE) {
		attr.runtime = a->runtime;
		attr.deadline = a->deadline;
		attr.period = a->period ?: a->deadline;
	}
	thread_put(t);
	return copy_to_user((void *)user, &attr, sizeof(attr));
}
