/* SPDX-License-Identifier: MIT
 *
 * Read cpio archives of the "new ASCII" format (cpio(5): newc, magic 070701).  The code accesses no
 * hardware, so it also runs in a unit test, and it checks everything that it reads.
 */
#pragma once

#include "kernel/lib/base.h"

#define CPIO_NAME_MAX 4096 /* with the NUL */

struct cpio_entry {
	const char *name; /* terminated, not empty, unchanged from the archive */
	u32 mode, uid, gid, nlink, mtime;
	u32 rdev_major, rdev_minor;
	const char *data; /* the content; for a symbolic link the target, not terminated */
	size_t size;
};

/* Call `fn` for each entry in order; if it returns an error, the walk ends and returns that error.
 * Several archives may follow each other, with zeros between them.  Returns the number of entries,
 * -EINVAL (not cpio, or broken) or -E2BIG (cut short).  After an error, *offset is the offset of
 * the entry that failed. */
ssize_t cpio_walk(const void *archive, size_t size,
		  int (*fn)(void *context, const struct cpio_entry *entry), void *context,
		  size_t *offset);
