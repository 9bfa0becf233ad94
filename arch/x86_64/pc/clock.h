/* SPDX-License-Identifier: MIT
 *
 * Time: nanoseconds since boot.  It comes from the TSC, which is calibrated against HPET, PM timer
 * or PIT.  If the TSC does not run evenly, it comes from the HPET or the PM timer itself.
 */
#pragma once

#include "arch/x86_64/cpu/clock_read.h"

/* Calibrate the TSC and choose the source.  Logs both.  After acpi_init() and paging_init(). */
void clock_init(void);

/* CLOCK_REALTIME at boot: nanoseconds since 1970, at first from the CMOS clock.
 * clock_realtime_ns() is this value plus clock_now_ns(). */
u64 clock_boot_time_ns(void);
void clock_set_realtime(u64 realtime_ns); /* clock_settime() */
u64 clock_realtime_ns(void);

/* TSC ticks per second, as measured. */
u64 clock_tsc_hz(void);

/* Compare the TSCs of all online CPUs.  If they differ so that time could run backwards, use
 * another source.  Once, after smp_start_all(); preemption off (it calls smp_call()), interrupts
 * on. */
void clock_check_cpus(void);
