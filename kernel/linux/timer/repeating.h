/* SPDX-License-Identifier: MIT
 *
 * Timers that repeat: what interval timers and POSIX timers are built on.
 */
#pragma once

#include "kernel/linux/timer_setting.h"
#include "kernel/task/timer.h"

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
