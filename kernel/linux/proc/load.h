/* SPDX-License-Identifier: MIT
 *
 * The load average.
 */
#pragma once

#include "kernel/lib/base.h"

/* The number of running and ready threads, averaged over 1, 5 and 15 minutes.  Fixed point with 16
 * fractional bits, as on Linux. */
void sched_load_average(u64 load[3]);
/* The number of threads that are running or ready now. */
u32 sched_runnable_count(void);
