/* SPDX-License-Identifier: MIT
 *
 * What the scheduler has counted on one CPU, for /proc and for the counters.
 */
#pragma once

#include "kernel/task/sched.h"

void sched_stats_read(u32 cpu, struct sched_cpu_stats *stats);
