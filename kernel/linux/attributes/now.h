/* SPDX-License-Identifier: MIT
 *
 * The time that a change of a file's attributes leaves.
 */
#pragma once

#include "arch/x86_64/pc/clock.h"
#include "kernel/fs/vfs.h"

static inline struct timespec realtime_now(void)
{
	u64 ns = clock_realtime_ns();

	return (struct timespec){(s64)(ns / NSEC_PER_SEC), (s64)(ns % NSEC_PER_SEC)};
}
