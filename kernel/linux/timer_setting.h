/* SPDX-License-Identifier: MIT
 *
 * The settings of timers as programs give and get them.
 */
#pragma once

#include "kernel/lib/base.h"

#define TIMER_ABSTIME	  1 /* flag: the time is a point of the clock, not a duration */
#define SI_TIMER	  (-2)

#define TIMER_SETTING_MAX (1UL << 62) /* ns: the year 2116; the sum of three does not overflow */

struct timer_setting {
	u64 value_ns;	 /* time until it expires; 0: not armed; at most TIMER_SETTING_MAX */
	u64 interval_ns; /* time between later expirations; 0: no repetition; the same maximum */
};

/* struct itimerval and struct itimerspec of the ABI: the interval, then the value, each a
 * timeval or timespec.  A value that is too long is cut to TIMER_SETTING_MAX.  0, -EFAULT,
 * -EINVAL. */
int timer_setting_get(u64 user, u64 unit, struct timer_setting *s);
int timer_setting_put(u64 user, u64 unit, const struct timer_setting *s);
