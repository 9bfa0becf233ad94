/* SPDX-License-Identifier: MIT
 *
 * What each CPU does.
 */
#pragma once

#include "kernel/lib/base.h"

struct trap_frame;

/* The handler of an NMI: record where this CPU was.  False: this CPU was not asked. */
bool sysrq_cpus_nmi(const struct trap_frame *frame);
