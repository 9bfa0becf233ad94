/* SPDX-License-Identifier: MIT
 *
 * What frees memory needs none: unlink(), rmdir(), close(), munmap(), kill(), the end of a process
 * and wait() succeed although an allocation of the kernel fails, the first, the second and so on.
 * Linux has no such switch (/proc/heddle/fail_nth): there the calls are just made.
 */
#include "check.h"

static int fail = -1;
static char *mapping;
static int p[2], fd;
static pid_t child;

static void fail_nth(int n)
{
	char text[8];
	int length = snprintf(text, sizeof(text), "%d\n", n);

	if (fail >= 0 && pwrite(fail, text, length, 0) != length)
		CHECK_EQ(n, 0); /* it may be this write whose allocation fails */
}

/* Prepare, and call with the n-th allocation failing. */
#define MUST_NOT_FAIL(prepare, call)                                                               \
	for (int n_ = 1; n_ <= 6; n_++) {                                                          \
		long result_;                                                                      \
		prepare;                                                                           \
		fail_nth(n_);                                                                      \
		result_ = (call);                                                                  \
		fail_nth(0);                                                                       \
		CHECK_EQ(result_, 0);                                                              \
	}

static void names(void)
{
	MUST_NOT_FAIL(close(MUST(open("file", O_CREAT | O_WRONLY, 0600))), unlink("file"));
	MUST_NOT_FAIL(close(MUST(open("file", O_CREAT | O_WRONLY, 0600))),
		      unlinkat(AT_FDCWD, "file", 0));
	MUST_NOT_FAIL(MUST(mkdir("directory", 0700)), rmdir("directory"));
	MUST_NOT_FAIL(fd = MUST(open("file", O_CREAT | O_RDWR, 0600));
		      MUST(fcntl(fd, F_SETLK, &(struct flock){.l_type = F_WRLCK})),
		      fcntl(fd, F_SETLK, &(struct flock){.l_type = F_UNLCK}));
	MUST_NOT_FAIL(MUST(ftruncate(fd, 100000)), ftruncate(fd, 10));
	close(fd);
	fd = MUST(open("file", O_TRUNC | O_RDWR));
	MUST_NOT_FAIL(MUST(pwrite(fd, p, sizeof(p), 100000)),
		      fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 200000));
	close(fd);
	unlink("file");
}

static void descriptors(void)
{
	MUST_NOT_FAIL(MUST(pipe(p)); MUST(write(p[1], "x", 1)), close(p[0]) | close(p[1]));
	MUST_NOT_FAIL(fd = MUST(open("file", O_CREAT | O_WRONLY, 0600)); unlink("file"), close(fd));
}

static void mappings(void)
{
	MUST_NOT_FAIL(mapping = map(16 * PAGE);
		      memset(mapping, 1, 16 * PAGE), munmap(mapping, 16 * PAGE));
	MUST_NOT_FAIL(mapping = map(16 * PAGE);
		      memset(mapping, 1, 16 * PAGE), munmap(mapping, 4 * PAGE) |
							 munmap(mapping + 8 * PAGE, 8 * PAGE) |
							 munmap(mapping, 16 * PAGE));
}

static void processes(void)
{
	MUST_NOT_FAIL(child = SPAWN(pause()), kill(child, SIGKILL) | (wait(NULL) != child));
	MUST_NOT_FAIL(child = SPAWN(pause()), kill(child, SIGTERM) | (wait(NULL) != child));
	MUST_NOT_FAIL(child = SPAWN(pause()),
		      syscall(SYS_tgkill, child, child, SIGINT) | (wait(NULL) != child));
}

int main(void)
{
	check_start_in_directory();
	fail = open("/proc/heddle/fail_nth", O_WRONLY);
	RUN(names);
	RUN(descriptors);
	RUN(mappings);
	RUN(processes);
	return check_end();
}
