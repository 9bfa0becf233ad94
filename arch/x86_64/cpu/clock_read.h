/* SPDX-License-Identifier: MIT
 *
 * The monotonic clock, for every room that reads it.  arch/x86_64/pc/clock.c measures the TSC and
 * chooses the source.
 */
#pragma once

#include "kernel/lib/base.h"

/* Nanoseconds since boot (CLOCK_MONOTONIC).  Never runs backwards on one CPU, nor between CPUs by
 * more than a read can tell.  Any context. */
u64 clock_now_ns(void);

/* Busy-wait, at most a few milliseconds; from clock_init() on. */
void clock_delay_us(u32 us);

/* --- For clock_init() and clock_check_cpus() --------------------------------------------------- */

/* A counter that runs for ever, upwards, within `mask`. */
struct counter {
	const char *name;
	u64 (*read)(void);
	u64 hz; /* 0: it is not there */
	u64 mask;
};

/* Time is 0 when the TSC reads `start`, which ticks `hz` times a second. */
void clock_tsc_set(u64 start, u64 hz);

/* Take the time from `c` from now on, continuing where the TSC is. */
void clock_source_set(const struct counter *c);
bool clock_source_is_tsc(void);
