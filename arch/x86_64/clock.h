/* SPDX-License-Identifier: MIT
 *
 * Time: nanoseconds since boot from the TSC, calibrated against HPET, PM timer or PIT (whichever
 * two agree); where the TSC does not run evenly, from HPET or PM timer itself.
 */
#pragma once

#include "kernel/lib/base.h"

/* Choose and calibrate; after acpi_init() and paging_init().  Logs the source and its frequency. */
void clock_init(void);

/* Nanoseconds since boot (CLOCK_MONOTONIC).  Never runs backwards on one CPU, nor between CPUs by
 * more than a read can tell.  Any context. */
u64 clock_now_ns(void);

/* Seconds since 1970 at boot from the CMOS clock, so that CLOCK_REALTIME = this + now. */
u64 clock_boot_time_ns(void);
void clock_set_realtime(u64 realtime_ns); /* clock_settime() */
u64 clock_realtime_ns(void);

/* TSC ticks a second, as measured; the source's name ("tsc", "hpet", "acpi_pm", "pit"). */
u64 clock_tsc_hz(void);
const char *clock_source_name(void);

/* Busy-wait, at most a few milliseconds; works from clock_init() on (before: a rough PIT or loop). */
void clock_delay_us(u32 us);
