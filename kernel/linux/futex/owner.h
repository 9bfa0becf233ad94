/* SPDX-License-Identifier: MIT
 *
 * Futex words that hold the TID of the thread that owns the lock.
 */
#pragma once

#include "kernel/lib/base.h"

struct thread;

/* An enumeration, so that gdb knows them, too. */
enum {
	FUTEX_WAITERS = 0x80000000U,
	FUTEX_OWNER_DIED = 0x40000000U,
	FUTEX_TID_MASK = 0x3fffffffU,
};

/* The calling thread ends or leaves its program.  Its robust list (`head` 0: none) is walked: each
 * lock is marked, and one of its waiters woken.  Waiters for its priority-inheriting locks look
 * again.  To be called with or without a list, while the thread still has its address space; after
 * an exec, futex_gone must become false again.  Sleeps. */
void futex_exit_robust_list(u64 head);

/* The second half, for PI locks. */
void futex_pi_owner_leaves(struct thread *t);
