/* SPDX-License-Identifier: MIT
 *
 * POSIX timers (POSIX.1-2017, timer_create(2)).  They belong to the calling process and are deleted
 * at exec and when the process ends.
 */
#pragma once

#include "kernel/linux/timer/repeating.h"

#define SIGEV_SIGNAL	0
#define SIGEV_NONE	1
#define SIGEV_THREAD_ID 4

struct sigevent { /* of the ABI, 64 bytes */
	u64 value;
	s32 signal, notify, tid, pad[11];
};

/* Create a timer and set *id to its number.  `clock` is CLOCK_REALTIME, CLOCK_MONOTONIC,
 * CLOCK_BOOTTIME, CLOCK_TAI or a clock of CPU time.  If `event` is NULL, the timer sends SIGALRM with its number as value.  -EINVAL
 * (clock, signal, notification, or a TID of another process), -EAGAIN (too many), -ENOMEM. */
int posix_timer_create(int clock, const struct sigevent *event, int *id);

/* Read the present setting into *old (with a relative value), and replace it by *setting if that is
 * not NULL.  If `absolute` is true, setting->value_ns is a time of the timer's clock.  -EINVAL if
 * there is no such timer. */
int posix_timer_exchange(int id, bool absolute, const struct timer_setting *setting,
			 struct timer_setting *old);
int posix_timer_getoverrun(int id);
int posix_timer_delete(int id);
