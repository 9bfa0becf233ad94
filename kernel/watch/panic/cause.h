/* SPDX-License-Identifier: MIT
 *
 * Names of exceptions, for messages.  (probe.h declares the rest of cause.c.)
 */
#pragma once

#include "kernel/lib/base.h"

/* The name of the exception `vector` (0 to 31; SDM 3A 6.15), or a word for what else makes a trap
 * frame.  Any context. */
const char *trap_name(u32 vector);
