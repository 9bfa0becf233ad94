/* SPDX-License-Identifier: MIT
 *
 * Between clock.c and what it measures by: counters of known frequency, and the CMOS clock.
 */
#pragma once

#include "arch/x86_64/cpu/clock_read.h"

struct calibration {
	u64 hz; /* of the TSC; 0: nothing to measure it by */
	const char *by;
	bool even; /* all measurements alike */
};

/* Measure the TSC by HPET, PM timer or PIT, whichever is there first; takes about 50 ms. */
struct calibration tsc_calibrate(void);

/* HPET or PM timer, where one is there and counts, else NULL. */
const struct counter *counter_find(void);

/* Seconds since 1970 by the CMOS clock (taken as UTC); 0: there is none, or it makes no sense. */
u64 rtc_read_seconds(void);
