/* SPDX-License-Identifier: MIT
 *
 * getrlimit(2), setrlimit(2), prlimit(2).  The code that uses a resource holds its limit.
 */
#include "kernel/lib/abi.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/init.h"
#include "kernel/linux/limits.h"
#include "kernel/linux/limits/cpu_limit.h"
#include "kernel/sys/calls.h"

/* The defaults of Linux for what the core does not limit. */
static void defaults(void)
{
	struct rlimit *limits = kernel_process->limits.value;

	limits[RLIMIT_NICE] = limits[RLIMIT_RTPRIO] = (struct rlimit){0, 0};
}

INIT_CALL(20, defaults);

/* Read a limit, and change it if `new_limit` is not NULL. */
static int limit_change(struct process *p, u32 which, const struct rlimit *new_limit,
			struct rlimit *old)
{
	bool may_raise = capable(CAP_SYS_RESOURCE);
	int error = 0;
	u64 flags;

	if (which >= RLIMIT_COUNT || (new_limit && new_limit->current > new_limit->maximum))
		return -EINVAL;
	if (new_limit && which == RLIMIT_NOFILE && new_limit->maximum > FD_TABLE_MAX)
		return -EPERM;
	flags = spin_lock_irq(&p->limits.lock);
	*old = p->limits.value[which];
	if (new_limit && new_limit->maximum > old->maximum && !may_raise)
		error = -EPERM;
	else if (new_limit)
		p->limits.value[which] = *new_limit;
	spin_unlock_irq(&p->limits.lock, flags);
	if (new_limit && which == RLIMIT_CPU)
		cpu_limit_changed(p);
	return error;
}

/* prlimit(2): for another thread than the caller all its ids must be the caller's real ones. */
static bool may_limit(const struct thread *t)
{
	const struct credentials *c = &current_thread()->credentials, *other = &t->credentials;

	return t == current_thread() ||
	       (c->uid == other->euid && c->uid == other->suid && c->uid == other->uid &&
		c->gid == other->egid && c->gid == other->sgid && c->gid == other->gid) ||
	       capable(CAP_SYS_RESOURCE);
}

SYSCALL4(prlimit64, pid, which, user, old_user)
{
	struct rlimit limit, old;
	struct thread *t;
	int error;

	if (user && copy_from_user(&limit, (void *)user, sizeof(limit)))
		return -EFAULT;
	t = thread_by_argument((pid_t)pid);
	if (!t)
		return -ESRCH;
	error = may_limit(t) ? limit_change(t->process, (u32)which, user ? &limit : NULL, &old)
			     : -EPERM;
	thread_put(t);
	if (!error && old_user)
		error = copy_to_user((void *)old_user, &old, sizeof(old));
	return error;
}

SYSCALL2(getrlimit, which, user)
{
	struct rlimit old;

	return limit_change(current_process(), (u32)which, NULL, &old)
		   ?: copy_to_user((void *)user, &old, sizeof(old));
}

SYSCALL2(setrlimit, which, user)
{
	struct rlimit limit, old;

	if (copy_from_user(&limit, (void *)user, sizeof(limit)))
		return -EFAULT;
	return limit_change(current_process(), (u32)which, &limit, &old);
}
