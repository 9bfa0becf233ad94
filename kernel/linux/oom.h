/* SPDX-License-Identifier: MIT
 *
 * What other extensions ask of kernel/linux/oom.
 */
#pragma once

#include "kernel/task/probe.h"

extern u64 oom_kills; /* processes that were ended because memory had run out */

void oom_end_largest(void); /* as if memory had run out.  Sleeps. */

static inline u64 oom_kill_count(void)
{
	return WITH_OOM ? READ_ONCE(oom_kills) : 0;
}
