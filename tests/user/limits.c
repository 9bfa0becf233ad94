/* SPDX-License-Identifier: MIT
 *
 * Limits and what happens at them: address space, data, file size, CPU time.
 */
#include "check.h"

static void limit(int which, rlim_t value)
{
	struct rlimit r = {value, value};

	MUST(setrlimit(which, &r));
}

static void errors(void)
{
	struct rlimit r, old;

	CHECK_ERR(syscall(SYS_getrlimit, 77, &r), EINVAL);
	CHECK_ERR(syscall(SYS_setrlimit, 77, &r), EINVAL);
	CHECK_ERR(syscall(SYS_getrlimit, RLIMIT_AS, BAD), EFAULT);
	r = (struct rlimit){10, 5};
	CHECK_ERR(setrlimit(RLIMIT_FSIZE, &r), EINVAL);
	CHECK_EQ(prlimit(0, RLIMIT_FSIZE, NULL, &old), 0);
	CHECK_ERR(prlimit(99999999, RLIMIT_FSIZE, NULL, &old), ESRCH);
	/* Inherited. */
	CHECK_EQ(IN_CHILD(limit(RLIMIT_CORE, 4096);
			  CHECK_EQ(IN_CHILD(getrlimit(RLIMIT_CORE, &r); CHECK_EQ(r.rlim_max, 4096);
					    r.rlim_cur = r.rlim_max = 5;
					    CHECK_EQ(setrlimit(RLIMIT_CORE, &r), 0)),
				   0)),
		 0);
}

static void address_space(void)
{
	CHECK_EQ(IN_CHILD(limit(RLIMIT_AS, 64 << 20); void *p; int n = 0;
			  while ((p = map(4 << 20)) != MAP_FAILED) n++; CHECK_EQ(errno, ENOMEM);
			  CHECK(n >= 10 && n < 16);
			  CHECK_EQ(syscall(SYS_brk, syscall(SYS_brk, 0) + (32 << 20)),
				   syscall(SYS_brk, 0))),
		 0);
}

static void file_size(void)
{
	static char c[1000];

	CHECK_EQ(IN_CHILD(limit(RLIMIT_FSIZE, 1500); handle(SIGXFSZ, SIG_IGN, 0);
			  int fd = MUST(open("file", O_RDWR | O_CREAT, 0644));
			  CHECK_EQ(write(fd, c, 1000), 1000); CHECK_EQ(write(fd, c, 1000), 500);
			  CHECK_ERR(write(fd, c, 1), EFBIG); CHECK_ERR(ftruncate(fd, 2000), EFBIG);
			  handle(SIGXFSZ, SIG_DFL, 0); (void)!write(fd, c, 1)),
		 KILLED(SIGXFSZ));
}

/* What is longer already may be cut, but not made longer still. */
static void file_shrinks(void)
{
	int fd = MUST(open("long", O_RDWR | O_CREAT, 0644));

	MUST(ftruncate(fd, 4000));
	CHECK_EQ(IN_CHILD(limit(RLIMIT_FSIZE, 1500); handle(SIGXFSZ, SIG_IGN, 0);
			  CHECK_EQ(ftruncate(fd, 3000), 0); CHECK_ERR(ftruncate(fd, 3001), EFBIG);
			  CHECK_EQ(pwrite(fd, "x", 1, 1499), 1);
			  CHECK_ERR(pwrite(fd, "x", 1, 1500), EFBIG); handle(SIGXFSZ, SIG_DFL, 0);
			  sigset_t set; siginfo_t info; sigemptyset(&set); sigaddset(&set, SIGXFSZ);
			  MUST(sigprocmask(SIG_BLOCK, &set, NULL));
			  CHECK_ERR(pwrite(fd, "x", 1, 1500), EFBIG);
			  CHECK_EQ(sigwaitinfo(&set, &info), SIGXFSZ);
			  CHECK_EQ(info.si_code, SI_USER); CHECK_EQ(info.si_pid, getpid())),
		 0);
	close(fd);
}

static void cpu_time(void)
{
	struct rlimit r = {1, 2};

	handle(SIGXCPU, SIG_DFL, 0);
	CHECK_EQ(IN_CHILD(setrlimit(RLIMIT_CPU, &r); alarm(6); for (;;)), KILLED(SIGXCPU));
}

int main(void)
{
	check_start_in_directory();
	RUN(errors);
	RUN(address_space);
	RUN(file_size);
	RUN(file_shrinks);
	RUN(cpu_time);
	return check_end();
}
