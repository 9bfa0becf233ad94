/* SPDX-License-Identifier: MIT
 *
 * Timers that repeat: what interval timers and POSIX timers are built on.
 */
#pragma once

#include "kernel/task/timer.h"

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

/* struct itimerval and struct itimerspec of the ABI: the interval, then the value, each a
 * timeval or timespec.  A value that is too long is cut to TIMER_SETTING_MAX.  0, -EFAULT,
 * -EINVAL. */
int timer_setting_get(u64 user, u64 unit, struct timer_setting *s);
int timer_setting_put(u64 user, u64 unit, const struct timer_setting *s);
