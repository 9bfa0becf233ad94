/* SPDX-License-Identifier: MIT
 *
 * hog [all]: a child takes memory until it gets no more or is killed, in each of several ways; the
 * others are alive.  Under a limit of 64 MiB, unless told to take all.
 */
#include "check.h"

static bool take_all;

static void limit(void)
{
	struct rlimit r = {64 << 20, 64 << 20};

	if (!take_all)
		MUST(setrlimit(RLIMIT_AS, &r));
}

/* Refused, or killed for it: SIGKILL by Linux's out-of-memory killer, SIGBUS or SIGSEGV at a page
 * that nobody can give. */
static void check_ended(int status)
{
	CHECK(status == 0 || status == KILLED(SIGKILL) || status == KILLED(SIGBUS) ||
	      status == KILLED(SIGSEGV));
}

static void mapped(void)
{
	check_ended(IN_CHILD(limit(); char *p;
			     while ((p = map(1 << 20)) != MAP_FAILED) memset(p, 1, 1 << 20);
			     CHECK_EQ(errno, ENOMEM)));
}

static void broken(void)
{
	check_ended(IN_CHILD(
	    limit(); char *p = (char *)syscall(SYS_brk, 0), *q = p; for (;;) {
		    if ((char *)syscall(SYS_brk, q + (1 << 20)) != q + (1 << 20))
			    break;
		    memset(q, 1, 1 << 20);
		    q += 1 << 20;
	    }));
}

static void shared(void)
{
	check_ended(IN_CHILD(limit(); char *p;
			     while ((p = map_shared(1 << 20)) != MAP_FAILED) memset(p, 1, 1 << 20);
			     CHECK_EQ(errno, ENOMEM)));
}

static void by_regions(void)
{
	check_ended(IN_CHILD(
	    limit(); int n = 0;
	    while (n < 70000 && mmap(NULL, PAGE, n % 2 ? PROT_READ : PROT_NONE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED) n++;
	    CHECK_EQ(errno, ENOMEM)));
}

/* The kernel's memory: pipes full, files, queued signals. */
static void in_the_kernel(void)
{
	struct rlimit r = {200, 200};
	static char c[65536];

	check_ended(IN_CHILD(MUST(setrlimit(RLIMIT_NOFILE, &r)); int p[2]; int n = 0;
			     while (pipe2(p, O_NONBLOCK) == 0) n += write(p[1], c, sizeof(c)) > 0;
			     CHECK(errno == EMFILE || errno == ENOMEM || errno == ENFILE);
			     CHECK(n > 50)));
}

/* A file system in memory that runs full. */
static void in_files(void)
{
	static char c[1 << 20];
	struct rlimit r = {16 << 20, 16 << 20};
	ssize_t n = 0, done = 0;
	int fd;

	signal(SIGXFSZ, SIG_IGN);
	check_ended(IN_CHILD(if (!take_all) MUST(setrlimit(RLIMIT_FSIZE, &r));
			     fd = MUST(open("file", O_RDWR | O_CREAT, 0644));
			     while ((n = write(fd, c, sizeof(c))) > 0) done += n;
			     CHECK(errno == EFBIG || errno == ENOSPC || errno == ENOMEM);
			     CHECK(done >= 8 << 20)));
	CHECK_EQ(unlink("file"), 0);
}

static void still_alive(void)
{
	char *p = map(4 << 20);

	memset(p, 1, 4 << 20);
	CHECK_EQ(IN_CHILD(memset(p, 2, 4 << 20); _exit(7)), EXITED(7));
	CHECK_EQ(p[5], 1);
}

int main(int argc, char *argv[])
{
	check_start_in_directory();
	take_all = argc > 1 && strcmp(argv[1], "all") == 0;
	RUN(mapped);
	RUN(broken);
	RUN(shared);
	RUN(by_regions);
	RUN(in_the_kernel);
	RUN(in_files);
	RUN(still_alive);
	return check_end();
}
