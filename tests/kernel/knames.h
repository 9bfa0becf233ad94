/* SPDX-License-Identifier: MIT
 *
 * Making and finding names inside the kernel, for the self-tests.  All return 0 or an error.
 */
#pragma once

#include "kernel/fs/vfs.h"
#include "kernel/lib/errno.h"

static inline int make(const char *path)
{
	struct file *f = vfs_open(NULL, path, O_CREAT | O_EXCL | O_WRONLY, 0644);

	if (IS_ERR(f))
		return (int)PTR_ERR(f);
	file_put(f);
	return 0;
}

static inline int make_directory(const char *path)
{
	return vfs_create(NULL, path, S_IFDIR | 0755, 0);
}

static inline int lookup_error(const char *path)
{
	struct inode *inode = vfs_lookup(NULL, path, 0);

	if (IS_ERR(inode))
		return (int)PTR_ERR(inode);
	inode_put(inode);
	return 0;
}
