/* SPDX-License-Identifier: MIT
 *
 * adjtimex(), clock_adjtime(): what the kernel says of the clock.
 */
#include <sys/timex.h>

#include "check.h"

#define READ_OFFSET 0xa001 /* ADJ_OFFSET_SS_READ */

static void reads(void)
{
	struct timex t;
	struct timespec now;
	int state;

	memset(&t, 0xff, sizeof(t));
	t.modes = 0;
	state = (int)MUST(adjtimex(&t));
	MUST(clock_gettime(CLOCK_REALTIME, &now));
	CHECK(state >= TIME_OK && state <= TIME_ERROR);
	CHECK((state == TIME_ERROR) == !!(t.status & STA_UNSYNC) || state != TIME_ERROR);
	CHECK(now.tv_sec - t.time.tv_sec >= 0 && now.tv_sec - t.time.tv_sec < 60);
	CHECK(t.time.tv_usec >= 0 && t.time.tv_usec < 1000000000);
	CHECK(t.tick >= 9000 && t.tick <= 11000);
	CHECK_EQ(t.tolerance, 500 << 16);
	CHECK(t.precision >= 1);
	CHECK(t.maxerror >= 0 && t.esterror >= 0);
	t.modes = READ_OFFSET;
	CHECK(adjtimex(&t) >= 0);
	t.modes = ADJ_OFFSET_SINGLESHOT;
	t.offset = 0;
	CHECK(adjtimex(&t) >= 0);
	t.modes = 0;
	CHECK(clock_adjtime(CLOCK_REALTIME, &t) >= 0);
}

static void errors(void)
{
	struct timex t = {.modes = 0};

	CHECK_ERR(adjtimex(BAD), EFAULT);
	CHECK_ERR(clock_adjtime(CLOCK_REALTIME, BAD), EFAULT);
	CHECK_ERR(clock_adjtime(CLOCK_MONOTONIC, &t), EOPNOTSUPP);
	CHECK_ERR(clock_adjtime(CLOCK_MONOTONIC, BAD), EFAULT);
	CHECK_ERR(clock_adjtime(99, &t), EINVAL);
	CHECK_EQ(IN_CHILD(MUST(setuid(1)); t.modes = ADJ_FREQUENCY; CHECK_ERR(adjtimex(&t), EPERM)),
		 0);
	CHECK_EQ(IN_CHILD(MUST(setuid(1)); t.modes = READ_OFFSET; CHECK(adjtimex(&t) >= 0)), 0);
}

int main(void)
{
	check_start();
	RUN(reads);
	RUN(errors);
	return check_end();
}
