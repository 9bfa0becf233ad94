/* SPDX-License-Identifier: MIT
 *
 * Files that a file system has from the start, as those of /proc and of the trace.
 */
#pragma once

struct inode;
struct superblock;

/* Enter `inode`, whose reference is consumed, at `path` below the root of `sb`, and make the
 * directories of the path.  Only while the kernel starts: an error stops the kernel, also one that
 * is given as `inode`. */
void superblock_add(struct superblock *sb, const char *path, struct inode *inode);
