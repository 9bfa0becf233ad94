/* SPDX-License-Identifier: MIT
 *
 * clone3(), the form of clone() that takes a structure, and unshare().
 */
#include "kernel/lib/errno.h"
#include "kernel/linux/process/pidfd.h"
#include "kernel/proc/life.h"
#include "kernel/sys/calls.h"
#include "kernel/vm/address_space.h"

#define CLONE_ARGS_SIZE_FIRST 64 /* the structure's first version: up to tls */

/* clone3(2): a structure may be larger than the kernel's if the part that it does not know is
 * zero. */
SYSCALL2(clone3, user, size)
{
	struct clone_args args = {0};
	u8 rest;

	if (size > PAGE_SIZE)
		return -E2BIG;
	if (size < CLONE_ARGS_SIZE_FIRST)
		return -EINVAL;
	for (u64 i = sizeof(args); i < size; i++) {
		if (copy_from_user(&rest, (void *)(user + i), 1))
			return -EFAULT;
		if (rest)
			return -E2BIG;
	}
	if (copy_from_user(&args, (void *)user, MIN(size, sizeof(args))))
		return -EFAULT;
	if (args.flags & (CSIGNAL | CLONE_DETACHED) || args.exit_signal > SIGNAL_COUNT ||
	    (args.flags & (CLONE_THREAD | CLONE_PARENT) && args.exit_signal) || !args.stack != !args.stack_size || args.set_tid || args.set_tid_size)
		return -EINVAL;
	if (args.stack && !user_range_ok(args.stack, args.stack_size))
		return -EINVAL;
	return process_clone(&args);
}

/* --- unshare ---------------------------------------------------------------------------------- */

#define CLONE_SYSVSEM 0x00040000

/* The threads of a process share their descriptors and working directory, so a process with several
 * threads cannot call this.  (Linux refuses only the last three for it.) */
SYSCALL1(unshare, flags)
{
	struct process *p = current_process();

	if (flags & ~(u64)(CLONE_FILES | CLONE_FS | CLONE_SYSVSEM | CLONE_VM | CLONE_SIGHAND |
			   CLONE_THREAD))
		return -EINVAL;
	if (flags & ~(u64)CLONE_SYSVSEM && READ_ONCE(p->thread_count) > 1)
		return -EINVAL;
	/* These are not copied: Linux only checks that nothing is shared. */
	if (flags & (CLONE_VM | CLONE_SIGHAND) && refcount_read(&p->signals.actions->refs) > 1)
		return -EINVAL;
	if (flags & CLONE_VM && refcount_read(&p->space->refs) > 1)
		return -EINVAL;
	return process_unshare(flags & (CLONE_FILES | CLONE_FS));
}
