/* SPDX-License-Identifier: MIT
 *
 * Futexes (futex(2)): a hash of wait queues by what the word is.
 */
#pragma once

#include "kernel/vm/address_space.h"

#define FUTEX_WAIT	      0
#define FUTEX_WAKE	      1
#define FUTEX_REQUEUE	      3
#define FUTEX_CMP_REQUEUE     4
#define FUTEX_LOCK_PI	      6
#define FUTEX_UNLOCK_PI	      7
#define FUTEX_TRYLOCK_PI      8
#define FUTEX_WAIT_BITSET     9
#define FUTEX_WAKE_BITSET     10
#define FUTEX_LOCK_PI2	      13
#define FUTEX_PRIVATE_FLAG    128
#define FUTEX_CLOCK_REALTIME  256
#define FUTEX_BITSET_ANY      0xffffffffU

#define FUTEX_WAITERS	 0x80000000U
#define FUTEX_OWNER_DIED 0x40000000U
#define FUTEX_TID_MASK	 0x3fffffffU

void futex_init(void);

/* Sleep where *address == expected.  0, -EAGAIN, -ETIMEDOUT, -EINTR (the system call turns it into
 * a restart), -EFAULT, -EINVAL. */
long futex_wait(u64 address, bool shared, u32 expected, u64 deadline_ns, u32 bitset);

/* Wake at most `count`; the number woken. */
long futex_wake(u64 address, bool shared, u32 count, u32 bitset);

/* Wake `wake` and move at most `requeue` to another word; -EAGAIN where compare and the value has
 * changed.  Number woken plus moved. */
long futex_requeue(u64 address, u64 address2, bool shared, u32 wake, u32 requeue, bool compare,
		   u32 expected);

/* Priority-inheriting locks as far as ownership goes (round robin has no priorities to inherit).
 * lock: 0, -EDEADLK, -ESRCH (the owner named in the word is no thread), -ETIMEDOUT, -EINTR, -EAGAIN
 * (try_only).  unlock: 0, -EPERM. */
long futex_lock_pi(u64 address, bool shared, u64 deadline_ns, bool try_only);
long futex_unlock_pi(u64 address, bool shared);

/* Threads by TID, with a reference, or NULL; given by a higher floor. */
extern struct thread *(*futex_find_thread)(tid_t tid);

/* The calling thread ends or leaves its program: its robust list (`head` 0: none) is walked, each
 * lock marked and one waiter woken; who waits for its priority-inheriting locks looks again.  To be
 * called always, list or not, while it still has its address space; after an exec futex_gone must
 * become false again.  Sleeps. */
void futex_exit_robust_list(u64 head);
