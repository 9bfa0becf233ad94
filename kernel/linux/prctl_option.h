/* SPDX-License-Identifier: MIT
 *
 * prctl(2): an option that an extension serves is an entry of the linker set `prctl_options`.
 * Without kernel/linux/process, which has the call, the set is not used.
 */
#pragma once

#include "kernel/lib/linker_set.h"

struct prctl_option {
	u32 option; /* PR_* */
	/* Returns the result of the call.  a to d: the second to the fifth argument. */
	long (*fn)(u64 a, u64 b, u64 c, u64 d);
};
LINKER_SET(prctl_options, struct prctl_option);

/* PRCTL_OPTIONS(options) = {{PR_GET_KEEPCAPS, keepcaps_get}, ...}; */
#define PRCTL_OPTIONS(variable)                                                                    \
	static const struct prctl_option LINKER_SET_ENTRY(prctl_options, struct prctl_option)      \
	    variable[]
