/* SPDX-License-Identifier: MIT
 *
 * prctl(), by which a process changes itself.
 */
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/linux/prctl_option.h"
#include "kernel/sys/calls.h"

#define PR_SET_PDEATHSIG       1
#define PR_GET_PDEATHSIG       2
#define PR_SET_NAME	       15
#define PR_GET_NAME	       16
#define PR_SET_CHILD_SUBREAPER 36
#define PR_GET_CHILD_SUBREAPER 37

#define NAME_SIZE 16 /* of prctl()'s thread names, with the NUL */

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
	struct process *p = current_process();
	char name[NAME_SIZE] = "";

	switch ((u32)option) {
	case PR_SET_PDEATHSIG:
		if (argument > SIGNAL_COUNT)
			return -EINVAL;
		WRITE_ONCE(p->signals.parent_death, (int)argument);
		return 0;
	case PR_GET_PDEATHSIG:
		return put_user_u32((u32 *)argument, (u32)READ_ONCE(p->signals.parent_death));
	case PR_SET_CHILD_SUBREAPER:
		WRITE_ONCE(p->subreaper, argument != 0);
		return 0;
	case PR_GET_CHILD_SUBREAPER:
		return put_user_u32((u32 *)argument, READ_ONCE(p->subreaper));
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

