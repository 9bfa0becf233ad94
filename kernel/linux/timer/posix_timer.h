/* SPDX-License-Identifier: MIT
 *
 * POSIX timers: timer_create() and its kin (POSIX 2017, timer_create(2)).  They belong to the
 * calling process and end with it and at exec.
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

/* `clock`: CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME.  -EINVAL (clock, signal,
 * notification, a TID of another process), -EAGAIN (too many), -ENOMEM.  `event` NULL: SIGALRM with
 * the number as value.  The number into *id. */
int posix_timer_create(int clock, const struct sigevent *event, int *id);

/* The setting until now, into *old (its value is relative); `setting` (NULL: none) takes its place;
 * `absolute`: its value is a time of the timer's clock.  -EINVAL: no such timer. */
int posix_timer_exchange(int id, bool absolute, const struct timer_setting *setting,
			 struct timer_setting *old);
int posix_timer_getoverrun(int id);
int posix_timer_delete(int id);
