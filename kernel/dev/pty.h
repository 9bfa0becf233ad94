/* SPDX-License-Identifier: MIT
 *
 * Pairs of pseudo-terminals, for the file system that names them.
 */
#pragma once

#include "kernel/lib/base.h"

#define PTY_MAX 256 /* pairs at once */

struct superblock;
struct inode;

extern struct superblock *devpts; /* of the inodes of slaves; set once */

/* The inode of the slave of pair n, with a reference, or NULL: its master is not open. */
struct inode *pty_inode_get(u64 n);
