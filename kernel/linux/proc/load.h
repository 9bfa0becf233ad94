/* SPDX-License-Identifier: MIT
 *
 * The load average.
 */
#pragma once

#include "kernel/lib/base.h"

/* Threads running or ready, averaged over 1, 5 and 15 minutes, as Linux's fixed point (<< 16). */
void sched_load_average(u64 load[3]);
u32 sched_runnable_count(void);
