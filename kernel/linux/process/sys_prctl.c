/* SPDX-License-Identifier: MIT
 *
 * prctl() and personality(), by which a process changes itself, and clone3(), the form of clone()
 * that takes a structure.
 */
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/linux/prctl_option.h"
#include "kernel/proc/life.h"
#include "kernel/sys/calls.h"

#define PR_SET_PDEATHSIG 1
#define PR_SET_NAME	 15
#define PR_GET_NAME	 16
#define NAME_SIZE	 16 /* of prctl()'s thread names, with the NUL */

static long set_name(u64 user)
{
	char name[NAME_SIZE];
	/* A longer name is cut: the first NAME_SIZE bytes are copied, and none of them is a NUL. */
	ssize_t n = copy_string_from_user(name, (const char *)user, NAME_SIZE);

	if (n < 0 && n != -ENAMETOOLONG)
		return n;
	name[NAME_SIZE - 1] = 0;
	thread_set_name(current_thread(), name);
	return 0;
}

SYSCALL5(prctl, option, argument, b, c, d)
{
	char name[NAME_SIZE] = "";

	switch ((u32)option) {
	case PR_SET_PDEATHSIG:
		if (argument > SIGNAL_COUNT)
			return -EINVAL;
		WRITE_ONCE(current_process()->signals.parent_death, (int)argument);
		return 0;
	case PR_SET_NAME:
		return set_name(argument);
	case PR_GET_NAME:
		strscpy(name, current_thread()->name, sizeof(name));
		return copy_to_user((void *)argument, name, sizeof(name));
	}
	linker_set_for_each(entry, prctl_options) if (entry->option ==
						      (u32)option) return entry->fn(argument, b, c,
										    d);
	return -EINVAL;
}

/* personality(2): there is only one.  ADDR_NO_RANDOMIZE has no effect: addresses are never
 * random. */
CALL(personality, 0)

/* --- clone3 ----------------------------------------------------------------------------------- */

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
	    !args.stack != !args.stack_size || args.set_tid || args.set_tid_size)
		return -EINVAL;
	if (args.stack && !user_range_ok(args.stack, args.stack_size))
		return -EINVAL;
	return process_clone(&args);
}
