/* SPDX-License-Identifier: MIT
 *
 * Scheduling: yielding, and which CPU the caller is on.
 */
#include "kernel/lib/errno.h"
#include "kernel/sys/calls.h"
#include "kernel/task/sched.h"

CALL(sched_yield, (sched_yield(), 0))

SYSCALL2(getcpu, cpu, node)
{
	if (cpu && put_user_u32((u32 *)cpu, this_cpu_id()))
		return -EFAULT;
	return node ? put_user_u32((u32 *)node, 0) : 0;
}
