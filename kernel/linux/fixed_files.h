/* SPDX-License-Identifier: MIT
 *
 * Files that a file system has from boot on, such as those of /proc and of the trace.
 */
#pragma once

struct inode;
struct superblock;

/* The file system at /sys, which the first caller mounts.  At boot only.  Sleeps. */
struct superblock *sysfs_get(void);

/* Enter `inode` at `path` below the root of `sb`, and create the directories of the path.  Takes
 * over the reference to `inode`.  To be called at boot only: an error panics, and so does an
 * ERR_PTR as `inode`.  Sleeps. */
void superblock_add(struct superblock *sb, const char *path, struct inode *inode);
