/* SPDX-License-Identifier: MIT
 *
 * close_range(): closing many descriptors, or marking them to be closed at exec.
 */
#include "kernel/lib/errno.h"
#include "kernel/linux/process_parts.h"
#include "kernel/proc/life.h"
#include "kernel/sys/calls.h"

#define CLOSE_RANGE_UNSHARE 2
#define CLOSE_RANGE_CLOEXEC 4

static int close_range(u32 first, u32 last, bool only_mark)
{
	struct file_table *t = current_process()->files;

	for (u32 fd = first; fd_next(t, &fd) && fd <= last; fd++) {
		if (only_mark)
			(void)fd_flags(fd, &(bool){true});
		else
			fd_close(fd);
	}
	return 0;
}

SYSCALL3(close_range, first, last, flags)
{
	if ((u32)first > (u32)last || (u32)flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC))
		return -EINVAL;
	if (flags & CLOSE_RANGE_UNSHARE) {
		int error;

		/* The table belongs to the process: other threads may just be using it. */
		if (READ_ONCE(current_process()->thread_count) > 1)
			return -EINVAL;
		error = process_unshare(CLONE_FILES);

		if (error)
			return error;
	}
	return close_range((u32)first, (u32)last, flags & CLOSE_RANGE_CLOEXEC);
}
