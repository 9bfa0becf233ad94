/* SPDX-License-Identifier: MIT
 *
 * Reading cpio archives of the "new ASCII" format (cpio(5): newc, magic 070701).  Knows no machine
 * and trusts nothing.
 */
#pragma once

#include "kernel/lib/base.h"

#define CPIO_NAME_MAX 4096 /* with the NUL */

struct cpio_entry {
	const char *name; /* terminated, not empty; as it stands in the archive */
	u32 mode, uid, gid, nlink, mtime;
	u32 rdev_major, rdev_minor;
	const char *data; /* of a symbolic link: the target, not terminated */
	size_t size;
};

/* Call `fn` for each entry in order; a nonzero return ends the walk and is returned.  Archives may
 * follow one another, with zeros between.  The number of entries, or -EINVAL (not cpio, or broken)
 * or -E2BIG (cut short), *offset then being where the trouble begins. */
ssize_t cpio_walk(const void *archive, size_t size,
		  int (*fn)(void *context, const struct cpio_entry *entry), void *context,
		  size_t *offset);
