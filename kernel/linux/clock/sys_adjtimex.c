/* SPDX-License-Identifier: MIT
 *
 * adjtimex(2), clock_adjtime(): the state of the clock.  Nothing disciplines it, and its rate is
 * not changed.
 */
#include "arch/x86_64/pc/clock.h"
#include "kernel/fs/rights.h"
#include "kernel/lib/string.h"
#include "kernel/linux/errno.h"
#include "kernel/sys/calls.h"

#define ADJ_OFFSET_SINGLESHOT 0x8001 /* adjtime() */
#define ADJ_OFFSET_SS_READ    0xa001 /* how much of adjtime() is left to do */
#define STA_UNSYNC	      0x0040
#define TIME_ERROR	      5 /* the clock is not synchronized */

#define ERROR_MAX_US	      16000000
#define TOLERANCE	      (500L << 16) /* parts per million */
#define TICK_US		      10000

/* struct timex of the ABI, up to the fields of the pulse-per-second signal. */
struct timex {
	u32 modes, padding;
	s64 offset, frequency, max_error, estimated_error;
	s32 status, padding2;
	s64 constant, precision, tolerance;
	s64 seconds, microseconds;
	s64 tick;
	u8 rest[208 - 13 * 8];
};

/* Returns TIME_ERROR, -EFAULT, or for what changes the clock -EPERM or -EOPNOTSUPP. */
static long adjust(u64 user)
{
	struct timex t;
	u64 now;

	if (copy_from_user(&t, (void *)user, sizeof(t)))
		return -EFAULT;
	if (t.modes && t.modes != ADJ_OFFSET_SS_READ) {
		if (!capable(CAP_SYS_TIME))
			return -EPERM;
		if (t.modes != ADJ_OFFSET_SINGLESHOT || t.offset)
			return -EOPNOTSUPP;
	}
	now = clock_realtime_ns();
	t = (struct timex){
	    .modes = t.modes,
	    .max_error = ERROR_MAX_US,
	    .estimated_error = ERROR_MAX_US,
	    .status = STA_UNSYNC,
	    .constant = 2,
	    .precision = 1,
	    .tolerance = TOLERANCE,
	    .seconds = (s64)(now / NSEC_PER_SEC),
	    .microseconds = (s64)(now % NSEC_PER_SEC / NSEC_PER_USEC),
	    .tick = TICK_US,
	};
	return copy_to_user((void *)user, &t, sizeof(t)) ? -EFAULT : TIME_ERROR;
}

SYSCALL1(adjtimex, user)
{
	return adjust(user);
}

SYSCALL2(clock_adjtime, clock, user)
{
	struct timex t;

	if ((int)clock == CLOCK_REALTIME)
		return adjust(user);
	if (copy_from_user(&t, (void *)user, sizeof(t)))
		return -EFAULT;
	return (int)clock > 0 && clock <= 11 && clock != 10 ? -EOPNOTSUPP : -EINVAL;
}
