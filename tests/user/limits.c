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

/* Touch `bytes` of the stack below the caller's frame, a page at a time. */
__attribute__((noinline)) static void use_stack(long bytes)
{
	volatile char *low = __builtin_alloca(bytes);

	for (long at = bytes - 1; at >= 0; at -= PAGE)
		low[at] = 1;
}

/* A limit belongs to the process, and not to the address space that a vfork() child shares. */
static void vfork_child(void)
{
	static const struct rlimit stack = {128 << 10, 128 << 10}, space = {1 << 20, 1 << 20};
	struct rlimit r;
	int status;

	CHECK_EQ(IN_CHILD(if (!vfork()) {
			 setrlimit(RLIMIT_STACK, &stack);
			 setrlimit(RLIMIT_AS, &space);
			 /* The child's limits bind the child. */
			 _exit(map(2 << 20) == MAP_FAILED ? 0 : 1);
		 };
			  MUST(wait(&status)); CHECK_EQ(status, 0);
			  MUST(getrlimit(RLIMIT_STACK, &r)); CHECK(r.rlim_cur > 2 << 20);
			  CHECK(map(16 << 20) != MAP_FAILED); use_stack(2 << 20)),
		 0);
	/* The other way: the parent's limit stays when the child raises its own. */
	CHECK_EQ(IN_CHILD(r = (struct rlimit){64 << 20, RLIM_INFINITY};
			  MUST(setrlimit(RLIMIT_AS, &r)); if (!vfork()) {
				  r.rlim_cur = 1 << 30;
				  setrlimit(RLIMIT_AS, &r);
				  _exit(map(128 << 20) != MAP_FAILED ? 0 : 1);
			  };
			  MUST(wait(&status)); CHECK_EQ(status, 0);
			  CHECK(map(1 << 20) == MAP_FAILED)),
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
	struct rlimit r = {1, 100};

	handle(SIGXCPU, SIG_DFL, 0);
	CHECK_EQ(IN_CHILD(setrlimit(RLIMIT_CPU, &r); alarm(300); for (;;)), KILLED(SIGXCPU));
}

/* A thread more does not make it longer: the limit is for the time of all. */
static void *burn(void *unused)
{
	for (;;)
		;
	return unused;
}

/* SIGXCPU can be caught, and comes again after a second more; at the hard limit the process ends.
 */
static void cpu_time_hard(void)
{
	struct rlimit r = {1, 3};
	volatile sig_atomic_t *count = map_shared(PAGE);

	/* A CPU that stands still for a second uses one, and with it the time for a signal. */
	for (int i = 0; i < 3 && *count != 2; i++)
		CHECK_EQ(IN_CHILD(pthread_t thread; handle(SIGXCPU, catch, 0); alarm(300);
				  setrlimit(RLIMIT_CPU, &r);
				  pthread_create(&thread, NULL, burn, NULL);
				  for (;;) *count = caught[SIGXCPU]),
			 KILLED(SIGKILL));
	CHECK_EQ(*count, 2);
}

static void data(void)
{
	struct rlimit r = {8 << 20, 8 << 20};

	CHECK_EQ(IN_CHILD(void *read_only =
			      mmap(NULL, 16 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			  MUST(setrlimit(RLIMIT_DATA, &r)); CHECK(map(16 << 20) == MAP_FAILED);
			  CHECK_EQ(errno, ENOMEM);
			  CHECK_EQ(syscall(SYS_brk, syscall(SYS_brk, 0) + (16 << 20)),
				   syscall(SYS_brk, 0));
			  /* What is shared or not writable is no data. */
			  CHECK(map_shared(16 << 20) != MAP_FAILED);
			  CHECK(mmap(NULL, 16 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1,
				     0) != MAP_FAILED);
			  CHECK_ERR(mprotect(read_only, 16 << 20, PROT_READ | PROT_WRITE), ENOMEM);
			  CHECK_EQ(mprotect(read_only, 1 << 20, PROT_READ | PROT_WRITE), 0);
			  CHECK(map(1 << 20) != MAP_FAILED)),
		 0);
}

int main(void)
{
	check_start_in_directory();
	RUN(errors);
	RUN(address_space);
	RUN(vfork_child);
	RUN(file_size);
	RUN(file_shrinks);
	RUN(cpu_time);
	RUN(cpu_time_hard);
	RUN(data);
	return check_end();
}
