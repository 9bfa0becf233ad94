/* SPDX-License-Identifier: MIT
 *
 * File locks.  An owner is a pointer that is only compared: the descriptor table of a process for
 * fcntl(F_SETLK), the open file for fcntl(F_OFD_SETLK) and flock().
 */
#pragma once

#include "kernel/fs/vfs.h"

#define F_RDLCK	 0
#define F_WRLCK	 1
#define F_UNLCK	 2
#define LOCK_END INT64_MAX /* `end` of a lock that has no end */

/* LOCK_POSIX and LOCK_OFD conflict with each other, and not with LOCK_FLOCK. */
enum lock_kind { LOCK_POSIX, LOCK_OFD, LOCK_FLOCK };

struct file_lock {
	struct list link; /* in the list of its bucket */
	const struct inode *inode;
	const void *owner;
	pid_t pid; /* of the process that took it; -1 for LOCK_OFD */
	enum lock_kind kind;
	int type;	/* F_* */
	s64 start, end; /* first and last byte */
};

/* Take, convert or free (F_UNLCK) the lock `wanted`.  With `wait` this sleeps while another owner
 * has a lock that conflicts.  Returns 0, -EAGAIN, -EDEADLK, -ENOLCK (no memory, or too many
 * locks) or -ERESTARTSYS. */
int filelock_set(const struct file_lock *wanted, bool wait);

/* Get the first lock that conflicts with `wanted`; if the type of `wanted` is F_UNLCK, the first
 * one of the same owner in that range.  False: there is none. */
bool filelock_test(const struct file_lock *wanted, struct file_lock *found);

/* Free all locks of this kind that the owner has on the inode.  Needs no memory. */
void filelock_drop(const struct inode *inode, const void *owner, enum lock_kind kind);
