/* SPDX-License-Identifier: MIT
 *
 * ETXTBSY (open(2), execve(2)): a program that runs cannot be opened for writing, and a file that
 * is open for writing cannot be run.  inode->use counts one or the other.  The open file of a
 * program lives as long as a process runs it.
 */
#include "kernel/fs/file_events.h"
#include "kernel/lib/errno.h"

/* Add `by`, 1 or -1, to inode->use, unless it counts the other kind of use. */
static bool use_begin(struct inode *inode, s8 by)
{
	s32 old = READ_ONCE(inode->use);

	do {
		if (by > 0 ? old < 0 : old > 0)
			return false;
	} while (!__atomic_compare_exchange_n(&inode->use, &old, old + by, true, __ATOMIC_RELAXED,
					      __ATOMIC_RELAXED));
	return true;
}

static int open_event(struct file *f, u32 flags)
{
	bool writes = (flags & O_ACCMODE) != O_RDONLY;
	s8 use = flags & O_EXEC ? -1 : writes ? 1 : 0;

	if (!S_ISREG(f->inode->mode) || flags & O_PATH)
		return 0;
	if (flags & O_TRUNC && READ_ONCE(f->inode->use) < 0)
		return -ETXTBSY;
	if (use && !use_begin(f->inode, use))
		return -ETXTBSY;
	f->use = use;
	return 0;
}

static void release_event(struct file *f)
{
	if (f->use)
		__atomic_fetch_sub(&f->inode->use, f->use, __ATOMIC_RELAXED);
}

FILE_EVENTS(text_busy_events) = {.open = open_event, .release = release_event};
