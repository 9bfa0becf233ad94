/* SPDX-License-Identifier: MIT
 *
 * Timers that repeat, which POSIX timers are made of too; and the interval timer of a process:
 * setitimer(ITIMER_REAL), alarm(), SIGALRM at the end.
 */
#pragma once

#include "kernel/task/timer.h"

struct process;

#define TIMER_SETTING_MAX (1UL << 61) /* 73 years: sums of a few do not overflow */

struct timer_setting {
	u64 value_ns, interval_ns; /* value 0: not armed; neither is above TIMER_SETTING_MAX */
};

/* Under its owner's lock. */
struct repeating_timer {
	struct timer timer;
	u64 expires_ns, interval_ns; /* on the monotonic clock; 0: not armed */
};

/* From the timer's function: how often it has expired by now; it goes on where it repeats. */
u32 repeating_timer_expire(struct repeating_timer *t);
struct timer_setting repeating_timer_read(const struct repeating_timer *t);
void repeating_timer_set(struct repeating_timer *t, u64 expires_ns, u64 interval_ns);

/* The calling process's setting until now; `setting` (NULL: none) takes its place. */
struct timer_setting itimer_exchange(const struct timer_setting *setting);

/* For kernel/proc: at creation, and at the end (waits until the timer's function has left). */
void itimer_process_init(struct process *p);
void itimer_process_release(struct process *p);
