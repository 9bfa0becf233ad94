/* SPDX-License-Identifier: MIT
 *
 * What some calls cost as there is more of something: for tests/system/test_scale.py, in a machine
 * whose clock counts instructions.  Prints lines `SUBJECT NUMBER MICROSECONDS`.
 */
#include <sys/resource.h>

#include "check.h"

static long now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1000000L + t.tv_nsec / 1000;
}

/* Open so many descriptors, each of them the lowest that is free, and close them. */
static void descriptors(int n)
{
	long begin = now_us();

	for (int i = 0; i < n; i++)
		CHECK(dup(0) >= 0);
	printf("dup %d %ld\n", n, now_us() - begin);
	for (int i = 0; i < n; i++)
		CHECK_EQ(close(3 + i), 0);
}

int main(void)
{
	struct rlimit most = {4096, 4096};

	MUST(setrlimit(RLIMIT_NOFILE, &most));
	descriptors(4000); /* so that the table is large */
	descriptors(500);
	descriptors(4000);
	return check_failures != 0;
}
