/* SPDX-License-Identifier: MIT
 *
 * What the system says of itself: limits, use.
 */
#include "kernel/lib/abi.h"
#include "kernel/lib/errno.h"
#include "kernel/sys/calls.h"

/* --- Limits ----------------------------------------------------------------------------------- */

static int limit_change(u32 which, const struct rlimit *new_limit, struct rlimit *old)
{
	struct process *p = current_process();
	u64 flags;
	int error = 0;

	if (which >= RLIMIT_COUNT || (new_limit && new_limit->current > new_limit->maximum))
		return -EINVAL;
	if (new_limit && which == RLIMIT_NOFILE && new_limit->maximum > FD_TABLE_MAX)
		return -EPERM;
	flags = spin_lock_irq(&p->limits.lock);
	*old = p->limits.value[which];
	if (new_limit && new_limit->maximum > old->maximum && !is_privileged())
		error = -EPERM;
	else if (new_limit)
		p->limits.value[which] = *new_limit;
	spin_unlock_irq(&p->limits.lock, flags);
	return error;
}

SYSCALL4(prlimit64, pid, which, user, old_user)
{
	struct rlimit limit, old;
	int error;

	if (user && copy_from_user(&limit, (void *)user, sizeof(limit)))
		return -EFAULT;
	if ((pid_t)pid && (pid_t)pid != current_process()->pid)
		return -ESRCH; /* of the calling process only */
	error = limit_change((u32)which, user ? &limit : NULL, &old);
	if (!error && old_user)
		error = copy_to_user((void *)old_user, &old, sizeof(old));
	return error;
}

CALL(getrlimit, b ? sys_prlimit64(0, a, 0, b, 0, 0) : -EFAULT)
CALL(setrlimit, b ? sys_prlimit64(0, a, b, 0, 0, 0) : -EFAULT)

/* --- Use of resources ------------------------------------------------------------------------- */

struct rusage { /* of the ABI, 144 bytes */
	struct timeval user, kernel;
	s64 max_rss_kb, ix_rss, id_rss, is_rss;
	s64 minor_faults, major_faults, swaps, blocks_in, blocks_out, messages_out, messages_in;
	s64 signals, voluntary_switches, forced_switches;
};

int rusage_put(u64 user, const struct resource_use *use)
{
	struct rusage r = {
	    .user = timeval_of(use->user_ns),
	    .kernel = timeval_of(use->kernel_ns),
	    .max_rss_kb = (s64)(use->peak_resident_pages * (PAGE_SIZE / 1024)),
	    .minor_faults = (s64)use->minor_faults,
	    .voluntary_switches = (s64)use->voluntary_switches,
	    .forced_switches = (s64)use->forced_switches,
	};

	return copy_to_user((void *)user, &r, sizeof(r));
}
