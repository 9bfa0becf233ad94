/* SPDX-License-Identifier: MIT
 *
 * What clock.c measures the TSC by: counters of known frequency, and the CMOS clock.
 */
#pragma once

#include "arch/x86_64/cpu/clock_read.h"

struct calibration {
	u64 hz; /* of the TSC; 0: there is no counter to measure it by */
	const char *by; /* the counter */
	bool even;	/* all measurements agree within 1 % */
};

/* Measure the TSC by the first of HPET, PM timer and PIT that works.  Takes about 50 ms. */
struct calibration tsc_calibrate(void);

/* Returns the HPET or the PM timer if one of them works, else NULL. */
const struct counter *counter_find(void);

/* Returns the seconds since 1970 by the CMOS clock, which is taken as UTC; 0: there is no such
 * clock, or its value is invalid. */
u64 rtc_read_seconds(void);
