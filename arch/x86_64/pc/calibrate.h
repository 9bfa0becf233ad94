/* SPDX-License-Identifier: MIT
 *
 * The counters of known frequency by which clock.c measures the TSC.
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
