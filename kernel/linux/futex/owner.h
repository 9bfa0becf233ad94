/* SPDX-License-Identifier: MIT
 *
 * Futex words that hold the TID of the thread that owns the lock.
 */
#pragma once

#include "kernel/lib/base.h"

struct thread;

#define FUTEX_WAITERS	 0x80000000U
#define FUTEX_OWNER_DIED 0x40000000U
#define FUTEX_TID_MASK	 0x3fffffffU

/* The thread ends or leaves its program: waiters for its PI locks look again.  The thread counts as
 * gone from then on, until it has a new program. */
void futex_pi_owner_leaves(struct thread *t);
void futex_pi_owner_returns(struct thread *t);
