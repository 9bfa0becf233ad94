/* SPDX-License-Identifier: MIT
 *
 * Time: nanoseconds since boot.  It comes from the TSC, whose frequency calibrate.c finds.  If the
 * TSC does not run evenly, it comes from the HPET or the PM timer itself.
 */
#pragma once

#include "arch/x86_64/cpu/clock_read.h"

/* Calibrate the TSC and the APIC timer and choose the source.  Logs all.  After apic_init(). */
void clock_init(void);

/* CLOCK_REALTIME at boot: nanoseconds since 1970, at first from the CMOS clock.
 * clock_realtime_ns() is this value plus clock_now_ns(). */
u64 clock_boot_time_ns(void);
void clock_set_realtime(u64 realtime_ns); /* clock_settime() */
u64 clock_realtime_ns(void);

/* TSC ticks per second. */
u64 clock_tsc_hz(void);
