/* SPDX-License-Identifier: MIT
 *
 * Futexes (futex(2)): threads sleep until a word in memory changes.  A hash table of lists has the
 * waiters; its key is what the word is, and not its address.
 */
#pragma once

#include "kernel/vm/address_space.h"

#define FUTEX_BITSET_ANY 0xffffffffU /* a bitset: each waiter has a bit of it */

void futex_init(void);

/* Sleep if *address == expected, else return -EAGAIN.  `deadline_ns` is a time of clock_now_ns(),
 * or WAIT_FOREVER.  Returns 0 (woken), -ETIMEDOUT, -EINTR (the system call is restarted), -EFAULT
 * or -EINVAL.  Sleeps. */
long futex_wait(u64 address, bool shared, u32 expected, u64 deadline_ns, u32 bitset);

/* Wake at most `count` waiters that have a bit of `bitset`; one if it is 0 or, as an s32, negative (as
 * on Linux).  Returns the number of threads woken, -EFAULT or -EINVAL.  Sleeps. */
long futex_wake(u64 address, bool shared, u32 count, u32 bitset);

/* Wake at most `wake` waiters and move at most `requeue` others to the word at `address2`.  Returns
 * the number of threads woken and moved, -EAGAIN if `compare` is set and *address is not
 * `expected`, -EFAULT, -EINVAL or -EINTR.  Sleeps. */
long futex_requeue(u64 address, u64 address2, bool shared, u32 wake, u32 requeue, bool compare,
		   u32 expected);

/* Counted since the boot. */
struct futex_stats {
	u64 waits;	   /* calls that slept */
	u64 waits_refused; /* calls that did not sleep: the value had changed */
	u64 wakes;	   /* calls that woke a thread */
	u64 wakes_empty;   /* calls that found no thread to wake */
	u64 requeues;	   /* calls that moved a waiter */
	u64 woken;	   /* threads */
};
extern struct futex_stats futex_counters; /* DEFINE_PER_CPU(): counters.c adds them up */
