/* SPDX-License-Identifier: MIT
 *
 * Yielding the CPU.
 */
#include "kernel/sys/calls.h"
#include "kernel/task/sched.h"

CALL(sched_yield, (sched_yield(), 0))
