/* SPDX-License-Identifier: MIT
 *
 * futex(2) for extensions: a command of their own is an entry of the linker set `futex_commands`.
 */
#pragma once

#include "kernel/lib/linker_set.h"

/* The arguments of the call, and what its operation says. */
struct futex_call {
	u64 address, address2;
	u64 timeout; /* user address of a timespec, or a number */
	u32 command; /* FUTEX_*, without flags */
	u32 value, value3;
	bool shared, realtime; /* flags: no FUTEX_PRIVATE_FLAG; FUTEX_CLOCK_REALTIME */
};

struct futex_command {
	u32 command;
	bool takes_realtime; /* with FUTEX_CLOCK_REALTIME; others are -ENOSYS then */
	long (*fn)(const struct futex_call *c);
};
LINKER_SET(futex_commands, struct futex_command);

/* The timeout (0: none) as a deadline: a duration, or a time of CLOCK_REALTIME or CLOCK_MONOTONIC.
 * 0, -EFAULT, -EINVAL. */
int futex_timeout_get(const struct futex_call *c, bool relative, bool realtime, u64 *deadline_ns);
