/* SPDX-License-Identifier: MIT
 *
 * The page [vvar]: what the kernel tells the vDSO.  The kernel writes it in vdso.c, and programs
 * read it in image/vdso_user.c.
 */
#pragma once

#include "kernel/lib/abi.h"

/* The clocks that the vDSO can read, by CLOCK_*, and those among them that follow the time of day.
 * clock_read() in kernel/sys/sys_time.c has the same list.  The coarse ones are as exact as the
 * others. */
#define VDSO_CLOCKS   (CLOCK_TAI + 1)
#define VDSO_REALTIME (1U << CLOCK_REALTIME | 1U << CLOCK_REALTIME_COARSE | 1U << CLOCK_TAI)
#define VDSO_READABLE                                                                              \
	(VDSO_REALTIME | 1U << CLOCK_MONOTONIC | 1U << CLOCK_MONOTONIC_RAW |                       \
	 1U << CLOCK_MONOTONIC_COARSE | 1U << CLOCK_BOOTTIME)

/* How the CPU's number is read in user mode. */
enum { VDSO_GETCPU_CALL, VDSO_GETCPU_RDTSCP, VDSO_GETCPU_RDPID };

/* `sequence` guards the members up to `offset`.  It is odd while the kernel writes them, and stays
 * odd if the clock is not the TSC: then programs make the system call.  docs/rooms/vdso.md explains
 * the protocol. */
struct vdso_data {
	u32 sequence;
	u64 tsc_start, mult;	 /* ns since boot: (TSC - tsc_start) * mult >> CLOCK_SHIFT */
	u64 offset[VDSO_CLOCKS]; /* by CLOCK_*: what is added for this clock, in ns */
	u32 getcpu;		 /* VDSO_GETCPU_*; does not change once programs run */
};
