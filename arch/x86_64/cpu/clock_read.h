/* SPDX-License-Identifier: MIT
 *
 * The monotonic clock, for every room that reads it.  arch/x86_64/pc/clock.c measures the TSC and
 * chooses the source.
 */
#pragma once

#include "kernel/lib/base.h"

/* Nanoseconds since boot (CLOCK_MONOTONIC).  Never runs backwards on one CPU; the difference
 * between two CPUs is less than the time that one read takes.  Any context. */
u64 clock_now_ns(void);

/* Busy-wait for `us` microseconds.  Any context, after clock_init(). */
void clock_delay_us(u32 us);

/* --- For clock_init() and kernel/dev/machine/clock_check.c ----------------------------------- */

/* A counter that counts upwards and wraps after `mask`. */
struct counter {
	const char *name;
	u64 (*read)(void);
	u64 hz; /* 0: the machine does not have it */
	u64 mask;
};

/* Time by the TSC is (TSC - clock_tsc_start) * clock_tsc_mult >> CLOCK_SHIFT ns.  Constant after
 * clock_tsc_set(); the vDSO needs them. */
#define CLOCK_SHIFT 32
extern u64 clock_tsc_start, clock_tsc_mult;

/* Make the time 0 at the moment when the TSC was `start`; it counts `hz` ticks a second. */
void clock_tsc_set(u64 start, u64 hz);

/* Compute the time from `c` from now on.  It continues at the present time of the TSC. */
void clock_source_set(const struct counter *c);

/* The counter that is used instead of the TSC; NULL: the TSC is used. */
extern const struct counter *clock_source;
