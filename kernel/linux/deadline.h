/* SPDX-License-Identifier: MIT
 *
 * Deadlines that calls of extensions get from programs.
 */
#pragma once

#include "kernel/lib/base.h"

/* Read a duration as a deadline; `user` 0: WAIT_FOREVER.  `unit` and errors as for time_get(). */
int deadline_get(u64 user, u64 unit, u64 *deadline_ns);
