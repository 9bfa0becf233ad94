/* SPDX-License-Identifier: MIT
 *
 * The interval timer of a process: setitimer(ITIMER_REAL), alarm().  SIGALRM at the end.
 */
#pragma once

#include "kernel/lib/base.h"

struct process;

/* Of the calling process, in nanoseconds; value 0 stops it.  The old setting into *old_value and
 * *old_interval (either may be NULL).  Sleeps not. */
void itimer_set(u64 value_ns, u64 interval_ns, u64 *old_value, u64 *old_interval);
void itimer_get(u64 *value_ns, u64 *interval_ns);

/* For kernel/proc: at creation, and at the end (waits until the timer's function has left). */
void itimer_process_init(struct process *p);
void itimer_process_release(struct process *p);
