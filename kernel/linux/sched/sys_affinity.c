/* SPDX-License-Identifier: MIT
 *
 * The CPUs on which a thread may run: sched_setaffinity(2), sched_getaffinity(2); and the
 * CPU that it is on: getcpu(2).
 */
#include "kernel/lib/errno.h"
#include "kernel/linux/sched/affinity.h"
#include "kernel/linux/sched/permission.h"

SYSCALL3(sched_setaffinity, tid, size, user)
{
	struct cpumask mask = {{0}};
	struct thread *t;
	int error;

	if (copy_from_user(&mask, (void *)user, MIN((u64)(u32)size, sizeof(mask))))
		return -EFAULT;
	t = thread_by_argument((tid_t)tid);
	if (!t)
		return -ESRCH;
	error = may_reschedule(t) ? sched_set_affinity(t, &mask) : -EPERM;
	thread_put(t);
	return error;
}

SYSCALL3(sched_getaffinity, tid, size, user)
{
	u64 bytes = DIV_ROUND_UP(cpu_count, 64) * 8;
	struct cpumask mask;
	struct thread *t;

	if ((u32)size < bytes || size & 7)
		return -EINVAL;
	t = thread_by_argument((tid_t)tid);
	if (!t)
		return -ESRCH;
	mask = t->affinity;
	thread_put(t);
	for (u32 i = 0; i < ARRAY_SIZE(mask.bits); i++)
		mask.bits[i] &= cpus_online.bits[i];
	if (copy_to_user((void *)user, &mask, bytes))
		return -EFAULT;
	return (long)bytes;
}

SYSCALL2(getcpu, cpu, node)
{
	if (cpu && put_user_u32((u32 *)cpu, this_cpu_id()))
		return -EFAULT;
	return node ? put_user_u32((u32 *)node, 0) : 0;
}
