/* SPDX-License-Identifier: MIT
 *
 * Durations become deadlines.
 */
#include "kernel/linux/deadline.h"

#include "kernel/sys/calls.h"

int deadline_get(u64 user, u64 unit, u64 *deadline_ns)
{
	u64 ns;
	int error;

	*deadline_ns = WAIT_FOREVER;
	if (!user)
		return 0;
	error = time_get(user, unit, &ns);
	if (!error)
		*deadline_ns = deadline_after(ns);
	return error;
}
