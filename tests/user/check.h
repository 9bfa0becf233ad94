/* SPDX-License-Identifier: MIT
 *
 * The smallest test frame for programs that must behave alike on Linux and on Heddle.  A program is
 * a list of RUN(name); it prints `ok NAME` for each, so that its output is the same bytes on both,
 * and names file, line and values of what was not as it should be.  Status 0 if all was well.
 *
 * The programs for processes, threads, memory, pipes and signals also pass where /proc is not
 * mounted (a kernel without extensions, or chroot on Linux): they look into /proc only if
 * has_proc().
 */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAYBE	    __attribute__((unused)) static
#define PAGE	    4096L
#define BAD	    (check_bad_pointer)
#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

static void *volatile check_bad_pointer __attribute__((unused)) = (void *)16; /* leads nowhere */
static int check_failures;
MAYBE const char *check_skipped; /* why the running test is skipped, or NULL */
static char check_directory[64];

MAYBE void check_fail(const char *file, int line, const char *what, const char *how, long got,
		      long want)
{
	const char *name = strrchr(file, '/');

	/* The first ones tell; thousands hide them. */
	if (__atomic_add_fetch(&check_failures, 1, __ATOMIC_RELAXED) > 30)
		return;
	printf("# %s:%d: %.70s: %s %ld, wanted %ld\n", name ? name + 1 : file, line, what, how, got,
	       want);
}

#define CHECK(condition)                                                                           \
	({                                                                                         \
		bool good_ = (condition);                                                          \
		int errno_ = errno;                                                                \
		if (!good_)                                                                        \
			check_fail(__FILE__, __LINE__, #condition, "false; errno", errno_, 0);     \
		good_;                                                                             \
	})

#define CHECK_EQ(expression, value)                                                                \
	({                                                                                         \
		long got_ = (long)(expression), want_ = (long)(value);                             \
		if (got_ != want_)                                                                 \
			check_fail(__FILE__, __LINE__, #expression, "is", got_, want_);            \
		got_ == want_;                                                                     \
	})

/* -1 and this errno. */
#define CHECK_ERR(expression, error)                                                               \
	({                                                                                         \
		errno = 0;                                                                         \
		long got_ = (long)(expression);                                                    \
		int errno_ = errno;                                                                \
		if (got_ != -1)                                                                    \
			check_fail(__FILE__, __LINE__, #expression " fails", "is", got_, -1);      \
		else if (errno_ != (error))                                                        \
			check_fail(__FILE__, __LINE__, #expression, "errno", errno_, error);       \
		got_ == -1 && errno_ == (error);                                                   \
	})

/* The result of a call that must not fail. */
#define MUST(expression)                                                                           \
	({                                                                                         \
		long got_ = (long)(expression);                                                    \
		if (got_ == -1)                                                                    \
			check_fail(__FILE__, __LINE__, #expression, "errno", errno, 0);            \
		got_;                                                                              \
	})

#define RUN(test)                                                                                  \
	do {                                                                                       \
		int before_ = check_failures;                                                      \
		check_skipped = NULL;                                                              \
		test();                                                                            \
		if (check_failures != before_)                                                     \
			printf("not ok %s\n", #test);                                              \
		else if (check_skipped)                                                            \
			printf("skip %s: %s\n", #test, check_skipped);                             \
		else                                                                               \
			printf("ok %s\n", #test);                                                  \
	} while (0)

/* RUN() if the program's arguments name the test, or if there are none. */
#define RUN_NAMED(test)                                                                            \
	do {                                                                                       \
		if (check_wanted(argc, argv, #test)) {                                             \
			printf("# begin %s\n", #test);                                            \
			RUN(test);                                                                 \
		}                                                                                  \
	} while (0)

MAYBE bool check_wanted(int argc, char *argv[], const char *name)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return true;
	return argc < 2;
}

/* Ends the test where the kernel lacks what it is about: its line is `skip NAME: reason`, which is
 * not the line that Linux gives. */
#define SKIP_IF(condition, reason)                                                                 \
	do {                                                                                       \
		if (condition) {                                                                   \
			check_skipped = (reason);                                                  \
			return;                                                                    \
		}                                                                                  \
	} while (0)

/* The same numbers in each run (xorshift), unless the state is set. */
static unsigned long random_state __attribute__((unused)) = 88172645463325252;

MAYBE unsigned long random_number(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

/* Has the kernel this system call?  It is called with arguments that no call accepts. */
MAYBE bool has_call(long number)
{
	return syscall(number, -1L, -1L, -1L, -1L, -1L, -1L) != -1 || errno != ENOSYS;
}

/* The statements run in a child, whose status is 0 if they and its checks went well; the pid. */
#define SPAWN(...)                                                                                 \
	({                                                                                         \
		pid_t pid_ = fork();                                                               \
		if (pid_ == 0) {                                                                   \
			check_failures = 0;                                                        \
			__VA_ARGS__;                                                               \
			_exit(check_failures != 0);                                                \
		}                                                                                  \
		if (pid_ < 0)                                                                      \
			check_fail(__FILE__, __LINE__, "fork", "errno", errno, 0);                 \
		pid_;                                                                              \
	})

/* The same, and waits: wait status. */
#define IN_CHILD(...) wait_status(SPAWN(__VA_ARGS__))

/* Send the signal to the caller every `us` microseconds, from a child, until end_signals(): one
 * that comes before the call that it is to interrupt is lost, the next one is not. */
MAYBE pid_t signal_often(int number, long us)
{
	pid_t parent = getpid();

	return SPAWN(while (getppid() == parent) {
		usleep(us);
		kill(parent, number);
	});
}

/* Ends signal_often(). */
MAYBE void end_signals(pid_t sender)
{
	kill(sender, SIGKILL);
	while (waitpid(sender, NULL, 0) < 0 && errno == EINTR)
		;
}

/* How wait() shows an exit and a death by signal. */
#define EXITED(code)   ((code) << 8)
#define KILLED(number) (number)

/* Wait status without the core-dump bit, which depends on limits. */
MAYBE int wait_status(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) != pid)
		if (errno != EINTR)
			return -errno;
	return WIFSIGNALED(status) ? status & ~0x80 : status;
}

MAYBE long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* A clock's time in nanoseconds: the CPU time of a process or thread. */
MAYBE long cpu_ns(clockid_t clock)
{
	struct timespec t;

	MUST(clock_gettime(clock, &t));
	return t.tv_sec * 1000000000 + t.tv_nsec;
}

MAYBE void sleep_ms(long ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000};

	while (nanosleep(&t, &t) < 0 && errno == EINTR)
		;
}

/* Polls until the condition holds, 60 s at most: less would be too little on a busy machine.  The
 * condition is not asked again once it held, as it may hold for a moment only. */
#define WAIT_UNTIL(condition)                                                                      \
	({                                                                                         \
		long end_ = now_ms() + 60000;                                                      \
		bool met_;                                                                         \
		while (!(met_ = (condition)) && now_ms() < end_)                                   \
			sleep_ms(1);                                                               \
		if (!met_)                                                                         \
			check_fail(__FILE__, __LINE__, #condition, "false; errno", errno, 0);      \
		met_;                                                                              \
	})

MAYBE bool has_proc(void)
{
	return access("/proc/self/stat", R_OK) == 0;
}

/* Other programs mind, above all make, which compares times: so on Linux only where SET_CLOCK says that
 * there are none. */
MAYBE bool may_set_clock(void)
{
	return access("/proc/heddle", F_OK) == 0 || getenv("SET_CLOCK");
}

/* Where /proc/self/fd/FD leads; "" if that cannot be read.  The next call overwrites it. */
MAYBE const char *fd_target(int fd)
{
	static char target[PATH_MAX];
	char path[32];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, target, sizeof(target) - 1);
	target[n > 0 ? n : 0] = '\0';
	return target;
}

/* Whether the kernel has mremap(), madvise(), msync() and mlock(): Heddle's core has not. */
MAYBE bool has_advice(void)
{
	return madvise(NULL, 0, MADV_NORMAL) == 0;
}

/* The absolute path of this program.  The first call must come before chdir(). */
MAYBE const char *self_path(void)
{
	const char *name = (const char *)getauxval(AT_EXECFN);
	static char path[PATH_MAX];
	size_t n = 0;

	if (path[0])
		return path;
	if (name && name[0] != '/' && getcwd(path, sizeof(path) - 1)) {
		n = strlen(path);
		path[n++] = '/';
	}
	snprintf(path + n, sizeof(path) - n, "%s", name ? name : "");
	return path;
}

/* The state letter in /proc/PID/stat, 0 if there is none. */
MAYBE char process_state(pid_t pid)
{
	char path[64], text[512], *end;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	end = strrchr(text, ')');
	return end && end[1] ? end[2] : 0;
}

/* What /proc says of a process, where it can be asked. */
#define CHECK_STATE(pid, letter)                                                                   \
	do {                                                                                       \
		if (has_proc())                                                                    \
			CHECK_EQ(process_state(pid), letter);                                      \
	} while (0)

/* Whether the process, or the thread with this number, sleeps.  Without /proc: whether the process
 * has run, and its CPU time stands still for 100 ms: a busy machine may keep it waiting for 20. */
MAYBE bool is_asleep(pid_t pid)
{
	struct timespec before, after;
	/* As clock_getcpuclockid(), which calls clock_getres(): the core has none. */
	clockid_t clock = (clockid_t)(~(unsigned)pid << 3 | 2);

	if (has_proc())
		return process_state(pid) == 'S';
	if (clock_gettime(clock, &before))
		return false;
	sleep_ms(100);
	return clock_gettime(clock, &after) == 0 && (after.tv_sec || after.tv_nsec) &&
	       before.tv_sec == after.tv_sec && before.tv_nsec == after.tv_nsec;
}

/* The threads of a test that sleep in a call: each calls begin_to_wait() just before it does. */
MAYBE _Atomic pid_t check_waiters[8];
MAYBE atomic_int check_waiting;

MAYBE void begin_to_wait(void)
{
	check_waiters[check_waiting++] = (pid_t)syscall(SYS_gettid);
}

MAYBE void forget_waiters(void)
{
	check_waiting = 0;
	for (size_t i = 0; i < COUNT_OF(check_waiters); i++)
		check_waiters[i] = 0;
}

/* Until the first n of them sleep: then they are in the kernel's list. */
MAYBE void wait_for_waiters(int n)
{
	for (int i = 0; i < n; i++)
		WAIT_UNTIL(check_waiters[i] && is_asleep(check_waiters[i]));
}

/* A handler that counts. */
static volatile sig_atomic_t caught[65];
MAYBE void catch (int number)
{
	caught[number]++;
}

MAYBE void handle(int number, void (*handler)(int), int flags)
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = flags};

	MUST(sigaction(number, &action, NULL));
}

MAYBE void handle_info(int number, void (*handler)(int, siginfo_t *, void *), int flags)
{
	struct sigaction action = {.sa_sigaction = handler, .sa_flags = flags | SA_SIGINFO};

	MUST(sigaction(number, &action, NULL));
}

MAYBE sigset_t set_of(int number)
{
	sigset_t set;

	sigemptyset(&set);
	if (number)
		sigaddset(&set, number);
	return set;
}

MAYBE void mask(int how, int number)
{
	sigset_t set = set_of(number);

	MUST(sigprocmask(how, &set, NULL));
}

/* Two pages of which the second is not there: the end of the first. */
MAYBE char *page_end(void)
{
	char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	munmap(p + PAGE, PAGE);
	return p + PAGE;
}

MAYBE void *map(size_t size)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* Memory that children share. */
MAYBE void *map_shared(size_t size)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

MAYBE int check_remove(const char *path, const struct stat *s, int type, struct FTW *f)
{
	(void)s, (void)type, (void)f;
	return remove(path);
}

MAYBE void check_start(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	self_path();
	umask(022);
	syscall(SYS_close_range, 3, ~0U, 0);
}

/* The same, in an empty directory of its own. */
MAYBE void check_start_in_directory(void)
{
	check_start();
	strcpy(check_directory, "/tmp/heddle-XXXXXX");
	if (!mkdtemp(check_directory) || chdir(check_directory) < 0 ||
	    (chmod(check_directory, 0755) < 0 && errno != ENOSYS)) {
		perror(check_directory);
		exit(2);
	}
}

MAYBE int check_end(void)
{
	if (check_directory[0] && chdir("/") == 0)
		nftw(check_directory, check_remove, 16, FTW_DEPTH | FTW_PHYS);
	return check_failures != 0;
}

/* False: a kernel without the extension `sched`. */
MAYBE bool check_has_affinity(void)
{
	return syscall(SYS_sched_getaffinity, 0, 0, NULL) < 0 && errno != ENOSYS;
}

MAYBE void check_use_cpus(const cpu_set_t *set)
{
	if (check_has_affinity())
		MUST(sched_setaffinity(0, sizeof(*set), set));
}

/* The calling thread, and all that it makes from now on, take turns on one CPU.  Returns the CPUs
 * that it could use before. */
MAYBE cpu_set_t check_use_one_cpu(void)
{
	cpu_set_t all, one;

	CPU_ZERO(&all);
	if (!check_has_affinity())
		return all;
	MUST(sched_getaffinity(0, sizeof(all), &all));
	CPU_ZERO(&one);
	for (int i = 0; i < CPU_SETSIZE && !CPU_COUNT(&one); i++)
		if (CPU_ISSET(i, &all))
			CPU_SET(i, &one);
	check_use_cpus(&one);
	return all;
}
