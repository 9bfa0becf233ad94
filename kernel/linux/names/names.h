/* SPDX-License-Identifier: MIT
 *
 * Changing the names of files: link() and rename().  Relative paths start from `old_at` and
 * `new_at`; NULL is the working directory.  Both functions sleep.
 */
#pragma once

#include "kernel/fs/vfs.h"

#define RENAME_NOREPLACE 1
#define RENAME_EXCHANGE	 2

/* `flags`: AT_SYMLINK_FOLLOW, and AT_EMPTY_PATH if `old_path` may be empty: `old_at` itself
 * gets a name.  0 or an error of link(2). */
int vfs_link(struct inode *old_at, const char *old_path, struct inode *new_at,
	     const char *new_path, u32 flags);

/* `flags`: RENAME_NOREPLACE, RENAME_EXCHANGE.  0 or an error of rename(2). */
int vfs_rename(struct inode *old_at, const char *old_path, struct inode *new_at,
	       const char *new_path, u32 flags);
