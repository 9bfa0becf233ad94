/* SPDX-License-Identifier: MIT
 *
 * The commands of futex(2).  One of an extension is an entry of the linker set `futex_commands`.
 */
#pragma once

#include "kernel/lib/linker_set.h"

#define FUTEX_WAIT	     0
#define FUTEX_WAKE	     1
#define FUTEX_REQUEUE	     3
#define FUTEX_CMP_REQUEUE    4
#define FUTEX_WAIT_BITSET    9
#define FUTEX_WAKE_BITSET    10
#define FUTEX_PRIVATE_FLAG   128
#define FUTEX_CLOCK_REALTIME 256

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
