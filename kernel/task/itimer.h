/* SPDX-License-Identifier: MIT
 *
 * Timers that repeat, and the interval timer of a process that is built on them: setitimer(2)
 * with ITIMER_REAL, and alarm().  It sends SIGALRM when it expires.  POSIX timers (kernel/linux)
 * use repeating timers too.
 */
#pragma once

#include "kernel/task/timer.h"

struct process;

#define TIMER_SETTING_MAX (1UL << 61) /* ns, 73 years: the sum of several does not overflow */

struct timer_setting {
	u64 value_ns;	 /* time until it expires; 0: not armed; at most TIMER_SETTING_MAX */
	u64 interval_ns; /* time between later expirations; 0: no repetition; the same maximum */
};

/* The lock of the structure that contains it guards it. */
struct repeating_timer {
	struct timer timer;
	u64 expires_ns, interval_ns; /* on the monotonic clock; 0: not armed */
};

/* Called by the timer's function.  Returns how often the timer has expired up to now, and starts it
 * again if it repeats. */
u32 repeating_timer_expire(struct repeating_timer *t);

/* The time left and the interval. */
struct timer_setting repeating_timer_read(const struct repeating_timer *t);

/* Arm the timer for `expires_ns` on the monotonic clock, or disarm it if that is 0. */
void repeating_timer_set(struct repeating_timer *t, u64 expires_ns, u64 interval_ns);

/* Return the present setting of the calling process's timer, and replace it by `setting` if that is
 * not NULL. */
struct timer_setting itimer_exchange(const struct timer_setting *setting);

/* Initialize the timer of a new process. */
void itimer_process_init(struct process *p);

/* Stop the timer of a process that ends, and wait until its function has returned.  The caller
 * holds no lock. */
void itimer_process_release(struct process *p);
