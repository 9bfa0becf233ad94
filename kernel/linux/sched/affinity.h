/* SPDX-License-Identifier: MIT
 *
 * The CPUs on which a thread may run.
 */
#pragma once

#include "kernel/task/sched.h"

/* Set the CPUs on which a thread may run.  0, or -EINVAL if no CPU of `mask` is online.  A thread
 * on another CPU is moved before this returns, or if it runs, at its next switch.  Sleeps. */
int sched_set_affinity(struct thread *t, const struct cpumask *mask);
