/* SPDX-License-Identifier: MIT
 *
 * The resource use of a process: getrusage(), times().
 */
#include "arch/x86_64/pc/clock.h"
#include "kernel/lib/errno.h"
#include "kernel/proc/inspect.h"
#include "kernel/sys/calls.h"
#include "kernel/vm/address_space.h"

#define NSEC_PER_TICK (10 * NSEC_PER_MSEC) /* CLK_TCK is 100 */

/* The resource use of the children for which the process has waited. */
static struct resource_use children_use(struct process *p)
{
	u64 flags = spin_lock_irq(&process_lock);
	struct resource_use use = p->use.children;

	spin_unlock_irq(&process_lock, flags);
	return use;
}

#define RUSAGE_SELF	0
#define RUSAGE_CHILDREN (-1)
#define RUSAGE_THREAD	1

SYSCALL2(getrusage, who, user)
{
	struct process *p = current_process();
	struct resource_use use = {0};

	switch ((s32)who) {
	case RUSAGE_SELF:
		process_resource_use(p, &use);
		break;
	case RUSAGE_CHILDREN:
		use = children_use(p);
		break;
	case RUSAGE_THREAD:
		thread_resource_use(current_thread(), &use);
		use.peak_resident_pages = address_space_peak(p->space);
		break;
	default:
		return -EINVAL;
	}
	return rusage_put(user, &use);
}

/* times(2): user and system time of the process, and of its waited-for children, in ticks. */
SYSCALL1(times, user)
{
	struct process *p = current_process();
	struct resource_use own, children;
	u64 ticks[4];

	if (user) {
		process_resource_use(p, &own);
		children = children_use(p);
		ticks[0] = own.user_ns / NSEC_PER_TICK;
		ticks[1] = own.kernel_ns / NSEC_PER_TICK;
		ticks[2] = children.user_ns / NSEC_PER_TICK;
		ticks[3] = children.kernel_ns / NSEC_PER_TICK;
		if (copy_to_user((void *)user, ticks, sizeof(ticks)))
			return -EFAULT;
	}
	return (long)(clock_now_ns() / NSEC_PER_TICK);
}
