/* SPDX-License-Identifier: MIT
 *
 * Time: nanoseconds since boot from the TSC, calibrated against HPET, PM timer or PIT (whichever
 * two agree); where the TSC does not run evenly, from HPET or PM timer itself.
 */
#pragma once

#include "arch/x86_64/cpu/clock_read.h"

/* Choose and calibrate; after acpi_init() and paging_init().  Logs the source and its frequency. */
void clock_init(void);

/* Seconds since 1970 at boot from the CMOS clock, so that CLOCK_REALTIME = this + now. */
u64 clock_boot_time_ns(void);
void clock_set_realtime(u64 realtime_ns); /* clock_settime() */
u64 clock_realtime_ns(void);

/* TSC ticks a second, as measured. */
u64 clock_tsc_hz(void);

/* Compare the TSCs of all online CPUs, and change to another source where they differ so that time
 * could run backwards.  Once, after smp_start_all(); preemption off, interrupts on. */
void clock_check_cpus(void);
