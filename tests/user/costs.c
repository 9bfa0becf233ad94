/* SPDX-License-Identifier: MIT
 *
 * What some calls cost as there is more of something: for tests/system/test_scale.py, in a machine
 * whose clock counts instructions.  Prints lines `SUBJECT NUMBER MICROSECONDS`.
 */
#include <sys/resource.h>

#include "check.h"

/* Lock a file through the descriptor above `n` others, and unlock it. */
static void locks(int n)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int fd = MUST(open("/dev/null", O_RDWR));
	long begin = cpu_ns(CLOCK_PROCESS_CPUTIME_ID);

	CHECK(fd >= n);
	for (int i = 0; i < 500; i++) {
		lock.l_type = i % 2 ? F_UNLCK : F_WRLCK;
		CHECK_EQ(fcntl(fd, F_SETLK, &lock), 0);
	}
	printf("setlk %d %ld\n", n, (cpu_ns(CLOCK_PROCESS_CPUTIME_ID) - begin) / 1000);
	close(fd);
}

/* Open so many descriptors, each of them the lowest that is free, and close them. */
static void descriptors(int n)
{
	long begin = cpu_ns(CLOCK_PROCESS_CPUTIME_ID);

	for (int i = 0; i < n; i++)
		CHECK(dup(0) >= 0);
	printf("dup %d %ld\n", n, (cpu_ns(CLOCK_PROCESS_CPUTIME_ID) - begin) / 1000);
	locks(n);
	for (int i = 0; i < n; i++)
		CHECK_EQ(close(3 + i), 0);
}

/* With so many open: take the only hole, and then the next one, which lies behind all. */
static void hole(int n)
{
	long begin;
	int behind = 0;

	for (int i = 0; i < n; i++)
		behind = MUST(dup(0)) + 1;
	begin = cpu_ns(CLOCK_PROCESS_CPUTIME_ID);
	for (int i = 0; i < 100; i++) {
		close(3);
		CHECK_EQ(dup(0), 3);
		CHECK_EQ(dup(0), behind);
		close(behind);
	}
	printf("hole %d %ld\n", n, (cpu_ns(CLOCK_PROCESS_CPUTIME_ID) - begin) / 1000);
	for (int i = 0; i < n; i++)
		CHECK_EQ(close(3 + i), 0);
}

int main(void)
{
	struct rlimit most = {16384, 16384};

	MUST(setrlimit(RLIMIT_NOFILE, &most));
	descriptors(4000); /* so that the table is large */
	descriptors(500);
	descriptors(4000);
	hole(500);
	hole(16000);
	return check_failures != 0;
}
