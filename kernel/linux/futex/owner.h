/* SPDX-License-Identifier: MIT
 *
 * Futex words that contain the TID of the thread that owns the lock (PI and robust futexes).
 */
#pragma once

#include "kernel/lib/base.h"

struct thread;

#define FUTEX_WAITERS	 0x80000000U
#define FUTEX_OWNER_DIED 0x40000000U
#define FUTEX_TID_MASK	 0x3fffffffU

/* `t` exits or execs: wake the waiters for its PI locks, which check the owner again.  From now on
 * the thread does not count as an owner, until futex_pi_owner_returns() is called after exec. */
void futex_pi_owner_leaves(struct thread *t);
void futex_pi_owner_returns(struct thread *t);
