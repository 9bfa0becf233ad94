/* SPDX-License-Identifier: MIT
 *
 * The frequencies of the TSC and of the local APIC timer, both measured by one counter in one wait.
 */
#pragma once

#include "arch/x86_64/cpu/clock_read.h"

/* What the processor or the hypervisor says of the TSC.  A function of machine_init_calls fills it;
 * all zero: nothing is known. */
struct tsc_known {
	u64 hz;
	const char *by;
	bool rough;  /* the nominal frequency, which the TSC may miss by a percent */
	bool uneven; /* the TSC stops or changes its rate: another counter makes a better clock */
};
extern struct tsc_known tsc_known;

struct calibration {
	u64 tsc_hz, timer_hz;
	const char *by; /* the counter, or tsc_known.by; NULL: tsc_hz is a guess */
	bool even;	/* all measurements agree within 1 % */
};

/* Measure both by the first of HPET, PM timer and PIT that works, for about 5 ms.  The error is the
 * time of one read or one tick of the counter at each end: 0.01 % with the PM timer, less with the
 * HPET.  If tsc_known has an exact frequency, 1 ms is enough to confirm it within 1 %.  Without a
 * counter, tsc_known is taken, or a guess.  Boot CPU, after apic_init(); interrupts off. */
struct calibration calibrate(void);

/* Returns the HPET or the PM timer if one of them works, else NULL. */
const struct counter *counter_find(void);
