/* SPDX-License-Identifier: MIT
 *
 * bench: measures what the kernel's services cost.  It uses only POSIX and Linux calls, so that the
 * same program measures both kernels.
 *
 *   bench [-c|--cycles] [-j|--json] [-l|--list] [-r ROUNDS] [-t MILLISECONDS] [NAME...]
 *
 * Prints one line `name<TAB>value` for each benchmark: nanoseconds per operation, unless the name
 * ends in _mb_per_s or begins with speedup_ (ratio times 100).  A benchmark that this machine
 * cannot run has the value "-".
 *
 * Each benchmark first runs with more and more operations until a round lasts MILLISECONDS (this is
 * also the warm-up), then ROUNDS times; the value is the median.  All run on one CPU, except those
 * with _2cpus in their name, the throughput and the speed-ups.
 *
 * With -c costs are in cycles of the TSC, and the value is the least of the rounds: other work on
 * the machine only ever adds to it.  Let the rounds be many and short then.
 */
#include "user/bench/bench.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BATCH	   256UL /* pages touched between two readings of the clock */
#define CHUNK	   65536 /* bytes per write() in the throughput test */
#define MAX_ROUNDS 99

/* From <linux/futex.h>, which musl does not install. */
#define FUTEX_WAIT 128 /* both with FUTEX_PRIVATE_FLAG, as the C library does */
#define FUTEX_WAKE 129

extern char **environ;

enum unit { NANOSECONDS, MB_PER_S, PERCENT };

struct shared *shared;
int cpus[2];
static int cpu_count;
char *self;
static cpu_set_t all_cpus;

void die(const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int in_cycles;	  /* now() counts cycles of the TSC */
static double per_ns = 1; /* units of now() in a nanosecond */

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int64_t now(void)
{
	return in_cycles ? (int64_t)__builtin_ia32_rdtsc() : now_ns();
}

static void count_cycles(void)
{
	int64_t start_ns = now_ns(), start;

	in_cycles = 1;
	start = now();
	while (now_ns() - start_ns < 20000000)
		;
	per_ns = (double)(now() - start) / (now_ns() - start_ns);
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		die("sched_setaffinity");
}

static int shared_load(void)
{
	return __atomic_load_n(&shared->word, __ATOMIC_ACQUIRE);
}

static void shared_store(int value)
{
	__atomic_store_n(&shared->word, value, __ATOMIC_RELEASE);
}

static void *partner_thread(void *argument)
{
	struct partner *p = argument;

	pin(p->cpu);
	p->run();
	return NULL;
}

void partner_start(struct partner *p, int as_process)
{
	shared->word = 0;
	shared->count = 0;
	p->pid = 0;
	if (!as_process) {
		if ((errno = pthread_create(&p->thread, NULL, partner_thread, p)))
			die("pthread_create");
		return;
	}
	p->pid = fork();
	if (p->pid < 0)
		die("fork");
	if (p->pid == 0) {
		partner_thread(p);
		_exit(0);
	}
}

void partner_end(struct partner *p)
{
	if (p->pid == 0)
		pthread_join(p->thread, NULL);
	else if (waitpid(p->pid, NULL, 0) < 0)
		die("waitpid");
}

static int64_t null_syscall(long n)
{
	int64_t start = now();

	while (n--)
		syscall(SYS_getppid);
	return now() - start;
}

static int64_t read_clock(long n)
{
	struct timespec t;
	int64_t start = now();

	while (n--)
		clock_gettime(CLOCK_MONOTONIC, &t);
	return now() - start;
}

static void yield_partner(void)
{
	shared_store(1);
	while (shared_load() == 1) {
		sched_yield();
		shared->count++;
	}
}

/* One operation is one sched_yield() by one of the two sides: with round robin, one switch. */
int64_t time_of_switches(int64_t time, long n, unsigned long partner)
{
	/* A yield after which the same task went on was no switch. */
	int64_t switches = 2 * ((unsigned long)n < partner ? n : (int64_t)partner);

	return time * n / (switches ? switches : 1);
}

static int64_t yield_with(long n, int as_process)
{
	struct partner partner = {.run = yield_partner, .cpu = cpus[0]};
	unsigned long before, after;
	int64_t start, end;

	partner_start(&partner, as_process);
	while (shared_load() == 0)
		sched_yield();
	before = __atomic_load_n(&shared->count, __ATOMIC_ACQUIRE);
	start = now();
	for (long i = 0; i < n; i++)
		sched_yield();
	end = now();
	after = __atomic_load_n(&shared->count, __ATOMIC_ACQUIRE);
	shared_store(2);
	partner_end(&partner);
	return time_of_switches(end - start, n, after - before);
}

static int64_t yield_threads(long n)
{
	return yield_with(n, 0);
}

static int64_t yield_processes(long n)
{
	return yield_with(n, 1);
}

static void futex_wait_while(int value)
{
	while (shared_load() == value)
		syscall(SYS_futex, &shared->word, FUTEX_WAIT, value, NULL, NULL, 0);
}

static void futex_set(int value)
{
	shared_store(value);
	syscall(SYS_futex, &shared->word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void futex_partner(void)
{
	for (;;) {
		futex_wait_while(0);
		if (shared_load() == 2)
			return;
		futex_set(0);
	}
}

static int64_t futex_with(long n, int cpu)
{
	struct partner partner = {.run = futex_partner, .cpu = cpu};
	int64_t start, end;

	partner_start(&partner, 0);
	futex_set(1);
	futex_wait_while(1);
	start = now();
	while (n--) {
		futex_set(1);
		futex_wait_while(1);
	}
	end = now();
	futex_set(2);
	partner_end(&partner);
	return end - start;
}

static int64_t futex_1cpu(long n)
{
	return futex_with(n, cpus[0]);
}

static int64_t futex_2cpus(long n)
{
	return futex_with(n, cpus[1]);
}

static int there[2], back[2]; /* pipes */

void close_both(int fds[2])
{
	close(fds[0]);
	close(fds[1]);
}

void echo(int from, int to)
{
	char byte;

	while (read(from, &byte, 1) == 1)
		if (write(to, &byte, 1) != 1)
			return;
}

static void pipe_partner(void)
{
	close(there[1]);
	echo(there[0], back[1]);
}

static int64_t pipe_with(long n, int cpu)
{
	struct partner partner = {.run = pipe_partner, .cpu = cpu};
	int64_t start, end;
	char byte = 0;

	if (pipe(there) < 0 || pipe(back) < 0)
		die("pipe");
	partner_start(&partner, 1);
	if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1)
		die("pipe");
	start = now();
	while (n--)
		if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1)
			die("pipe");
	end = now();
	close_both(there);
	partner_end(&partner);
	close_both(back);
	return end - start;
}

static int64_t pipe_1cpu(long n)
{
	return pipe_with(n, cpus[0]);
}

static int64_t pipe_2cpus(long n)
{
	return pipe_with(n, cpus[1]);
}

static char buffer[CHUNK];

static void drain_partner(void)
{
	ssize_t got;

	sched_setaffinity(0, sizeof(all_cpus), &all_cpus);
	close(there[1]);
	while ((got = read(there[0], buffer, sizeof(buffer))) > 0)
		;
}

/* One operation is one write of 64 KiB.  The test ends when the reader has read the end of file. */
static int64_t pipe_throughput(long n)
{
	struct partner partner = {.run = drain_partner, .cpu = cpus[0]};
	int64_t start;

	if (pipe(there) < 0)
		die("pipe");
	partner_start(&partner, 1);
	close(there[0]);
	start = now();
	while (n--)
		for (size_t done = 0; done < sizeof(buffer);) {
			ssize_t put = write(there[1], buffer + done, sizeof(buffer) - done);

			if (put < 0)
				die("write");
			done += put;
		}
	close(there[1]);
	partner_end(&partner);
	return now() - start;
}

void reap(pid_t pid)
{
	int status;

	if (pid < 0)
		die("fork");
	if (waitpid(pid, &status, 0) != pid)
		die("waitpid");
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		fprintf(stderr, "bench: a child ended with status 0x%x\n", status);
		exit(1);
	}
}

static int64_t fork_exit(long n)
{
	int64_t start = now();

	while (n--) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(0);
		reap(pid);
	}
	return now() - start;
}

char exit_word[] = "--exit";

static int64_t fork_exec(long n)
{
	char *argv[] = {self, exit_word, NULL};
	int64_t start = now();

	while (n--) {
		pid_t pid = fork();

		if (pid == 0) {
			execve(self, argv, environ);
			_exit(127);
		}
		reap(pid);
	}
	return now() - start;
}

int64_t vfork_exec_with(char **argv, long n)
{
	int64_t start = now();

	for (volatile long left = n; left > 0; left--) {
		pid_t pid = vfork();

		if (pid == 0) {
			execve(self, argv, environ);
			_exit(127);
		}
		reap(pid);
	}
	return now() - start;
}

static int64_t vfork_exec(long n)
{
	char *argv[] = {self, exit_word, NULL};

	return vfork_exec_with(argv, n);
}

static int64_t spawn(long n)
{
	char *argv[] = {self, exit_word, NULL};
	int64_t start = now();

	while (n--) {
		pid_t pid;

		if ((errno = posix_spawn(&pid, self, NULL, NULL, argv, environ)))
			die("posix_spawn");
		reap(pid);
	}
	return now() - start;
}

static void *nothing(void *argument)
{
	return argument;
}

static int64_t thread_create_join(long n)
{
	int64_t start = now();

	while (n--) {
		pthread_t thread;

		if ((errno = pthread_create(&thread, NULL, nothing, NULL)))
			die("pthread_create");
		pthread_join(thread, NULL);
	}
	return now() - start;
}

/* Forbid huge pages: Linux could map one at the first touch. */
static char *pages_map(void)
{
	char *pages =
	    mmap(NULL, BATCH * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (pages == MAP_FAILED)
		die("mmap");
	madvise(pages, BATCH * PAGE, MADV_NOHUGEPAGE);
	return pages;
}

static int64_t pages_touch(char *pages, unsigned long count)
{
	int64_t start = now();

	for (unsigned long i = 0; i < count; i++)
		*(volatile char *)(pages + i * PAGE) = 1;
	return now() - start;
}

static int64_t page_touch(long n)
{
	int64_t sum = 0;

	for (unsigned long left = n, count; left > 0; left -= count) {
		char *pages = pages_map();

		count = left < BATCH ? left : BATCH;
		sum += pages_touch(pages, count);
		munmap(pages, BATCH * PAGE);
	}
	return sum;
}

static int64_t page_cow(long n)
{
	char *pages = pages_map();

	pages_touch(pages, BATCH);
	shared->ns = 0;
	for (unsigned long left = n, count; left > 0; left -= count) {
		pid_t pid;

		count = left < BATCH ? left : BATCH;
		pid = fork();
		if (pid == 0) {
			shared->ns += pages_touch(pages, count);
			_exit(0);
		}
		reap(pid);
	}
	munmap(pages, BATCH * PAGE);
	return shared->ns;
}

static int64_t mmap_munmap(long n)
{
	int64_t start = now();

	while (n--) {
		void *page =
		    mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (page == MAP_FAILED || munmap(page, PAGE) < 0)
			die("mmap");
	}
	return now() - start;
}

/* Takes the right to write from the middle one of three pages, and gives it back. */
static int64_t mprotect_pair(long n)
{
	char *pages =
	    mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int64_t start, end;

	if (pages == MAP_FAILED)
		die("mmap");
	pages[PAGE] = 1;
	start = now();
	while (n--)
		if (mprotect(pages + PAGE, PAGE, PROT_READ) < 0 ||
		    mprotect(pages + PAGE, PAGE, PROT_READ | PROT_WRITE) < 0)
			die("mprotect");
	end = now();
	munmap(pages, 3 * PAGE);
	return end - start;
}

/* Grows the heap by a page and shrinks it again.  musl's brk() always fails. */
static int64_t brk_grow_shrink(long n)
{
	unsigned long end = syscall(SYS_brk, 0);
	int64_t start = now();

	while (n--)
		if ((unsigned long)syscall(SYS_brk, end + PAGE) != end + PAGE ||
		    (unsigned long)syscall(SYS_brk, end) != end)
			die("brk");
	return now() - start;
}

static int64_t write_null(long n)
{
	int fd = open("/dev/null", O_WRONLY);
	int64_t start, end;

	if (fd < 0)
		die("/dev/null");
	start = now();
	while (n--)
		if (write(fd, "", 1) != 1)
			die("/dev/null");
	end = now();
	close(fd);
	return end - start;
}

static int64_t open_close(long n)
{
	int64_t start = now();

	while (n--) {
		int fd = open("/dev/null", O_RDONLY);

		if (fd < 0 || close(fd) < 0)
			die("/dev/null");
	}
	return now() - start;
}

static int64_t read_zero(long n)
{
	int fd = open("/dev/zero", O_RDONLY);
	int64_t start, end;
	char byte;

	if (fd < 0)
		die("/dev/zero");
	start = now();
	while (n--)
		if (read(fd, &byte, 1) != 1)
			die("/dev/zero");
	end = now();
	close(fd);
	return end - start;
}

static volatile sig_atomic_t signals;

static void on_signal(int number)
{
	(void)number;
	signals++;
}

static int64_t signal_self(long n)
{
	struct sigaction action = {.sa_handler = on_signal};
	int64_t start;

	sigaction(SIGUSR1, &action, NULL);
	signals = 0;
	start = now();
	for (long i = 0; i < n; i++)
		raise(SIGUSR1);
	if (signals != n) {
		fputs("bench: a signal was lost\n", stderr);
		exit(1);
	}
	return now() - start;
}

/* A job that only computes. */
static void *spin(void *argument)
{
	uint64_t x = 88172645463325252ULL;

	for (long i = *(long *)argument * 1000; i > 0; i--) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
	}
	*(volatile uint64_t *)&(uint64_t){0} = x;
	return NULL;
}

static int64_t job_alone(long n)
{
	int64_t start = now();

	spin(&n);
	return now() - start;
}

static int64_t job_with_thread(long n)
{
	int64_t start = now();
	pthread_t thread;

	if ((errno = pthread_create(&thread, NULL, spin, &n)))
		die("pthread_create");
	spin(&n);
	pthread_join(thread, NULL);
	return now() - start;
}

static void *spin_on_second(void *argument)
{
	pin(cpus[1]);
	return spin(argument);
}

/* Each of the two threads on a CPU of its own, so that none can be moved. */
static int64_t job_pinned(long n)
{
	int64_t start = now();
	pthread_t thread;

	if ((errno = pthread_create(&thread, NULL, spin_on_second, &n)))
		die("pthread_create");
	spin(&n);
	pthread_join(thread, NULL);
	return now() - start;
}

static int64_t job_with_process(long n)
{
	int64_t start = now();
	pid_t pid = fork();

	spin(&n);
	if (pid == 0)
		_exit(0);
	reap(pid);
	return now() - start;
}

static const struct benchmark {
	const char *name;
	int64_t (*run)(long n);
	enum unit unit;
	int cpus; /* 0: not pinned; else pinned, and it needs so many CPUs */
} benchmarks[] = {
    {"null_syscall", null_syscall, NANOSECONDS, 1},
    {"clock_gettime", read_clock, NANOSECONDS, 1},
    {"yield_threads", yield_threads, NANOSECONDS, 1},
    {"yield_processes", yield_processes, NANOSECONDS, 1},
    {"yield_fpu", yield_fpu, NANOSECONDS, 1},
    {"futex_1cpu", futex_1cpu, NANOSECONDS, 1},
    {"futex_2cpus", futex_2cpus, NANOSECONDS, 2},
    {"pipe_1cpu", pipe_1cpu, NANOSECONDS, 1},
    {"pipe_2cpus", pipe_2cpus, NANOSECONDS, 2},
    {"condvar_1cpu", condvar, NANOSECONDS, 1},
    {"socket_1cpu", socket_byte, NANOSECONDS, 1},
    {"pipe_kib", pipe_kib, NANOSECONDS, 1},
    {"socket_kib", socket_kib, NANOSECONDS, 1},
    {"fork_exit", fork_exit, NANOSECONDS, 1},
    {"fork_exec", fork_exec, NANOSECONDS, 1},
    {"vfork_exec", vfork_exec, NANOSECONDS, 1},
    {"posix_spawn", spawn, NANOSECONDS, 1},
    {"thread_create_join", thread_create_join, NANOSECONDS, 1},
    {"page_touch", page_touch, NANOSECONDS, 1},
    {"page_cow", page_cow, NANOSECONDS, 1},
    {"mmap_munmap", mmap_munmap, NANOSECONDS, 1},
    {"mprotect_pair", mprotect_pair, NANOSECONDS, 1},
    {"brk_grow_shrink", brk_grow_shrink, NANOSECONDS, 1},
    {"open_close", open_close, NANOSECONDS, 1},
    {"read_zero", read_zero, NANOSECONDS, 1},
    {"write_null", write_null, NANOSECONDS, 1},
    {"signal_self", signal_self, NANOSECONDS, 1},
    {"signal_caught", signal_caught, NANOSECONDS, 1},
    {"signal_fault", fault_signal, NANOSECONDS, 1},
    {"sigaction", set_action, NANOSECONDS, 1},
    {"unknown_call", unknown_call, NANOSECONDS, 1},
    {"exec_argument", exec_argument, NANOSECONDS, 1},
    {"file_fault", file_fault, NANOSECONDS, 1},
    {"proc_stat", proc_stat, NANOSECONDS, 1},
    {"proc_maps", proc_maps, NANOSECONDS, 1},
    {"dir_stat", dir_stat, NANOSECONDS, 1},
    {"dir_rename", dir_rename, NANOSECONDS, 1},
    {"pipe_mb_per_s", pipe_throughput, MB_PER_S, 0},
    {"speedup_threads", job_with_thread, PERCENT, 0},
    {"speedup_pinned", job_pinned, PERCENT, 2},
    {"speedup_processes", job_with_process, PERCENT, 0},
};

#define BENCHMARKS (sizeof(benchmarks) / sizeof(benchmarks[0]))

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double measure_once(const struct benchmark *b, long n)
{
	double time = b->run(n);

	if (time <= 0)
		time = 1;
	switch (b->unit) {
	case MB_PER_S:
		return (double)n * CHUNK * 1000 * per_ns / time;
	case PERCENT:
		return 200.0 * job_alone(n) / time;
	default:
		return time / n;
	}
}

/* Finds a number of operations that lasts long enough.  The same number must last long enough
 * twice, because the first time may have been slow for another reason. */
static long calibrate(const struct benchmark *b, int64_t want)
{
	int64_t (*run)(long n) = b->unit == PERCENT ? job_alone : b->run;
	long n = 1;

	for (int enough = 0; enough < 2;) {
		int64_t time = run(n);

		if (time >= want)
			enough++;
		else if (time >
			 want / 8) /* as many as should be enough, but never ten times more */
			n = n * want / time + 1;
		else
			n *= 8;
	}
	return n;
}

static double measure(const struct benchmark *b, int rounds, long milliseconds)
{
	double values[MAX_ROUNDS];
	long n;

	if (b->cpus)
		pin(cpus[0]);
	else
		sched_setaffinity(0, sizeof(all_cpus), &all_cpus);
	n = calibrate(b, (int64_t)(milliseconds * 1000000 * per_ns));
	b->run(n);
	for (int i = 0; i < rounds; i++)
		values[i] = measure_once(b, n);
	qsort(values, rounds, sizeof(values[0]), by_value);
	return values[in_cycles && b->unit == NANOSECONDS ? 0 : rounds / 2];
}

static void report(const char *name, double value, int json, int first)
{
	char text[32] = "-";

	if (value >= 0)
		snprintf(text, sizeof(text), "%.*f", value < 100 ? 1 : 0, value);
	else if (json)
		strcpy(text, "null");
	if (json)
		printf("%s\n  \"%s\": %s", first ? "{" : ",", name, text);
	else
		printf("%s\t%s\n", name, text);
	fflush(stdout);
}

static int wanted(const char *name, char **names)
{
	if (!*names)
		return 1;
	for (; *names; names++)
		if (strcmp(*names, name) == 0)
			return 1;
	return 0;
}

static int usage(void)
{
	fputs("usage: bench [-c|--cycles] [-j|--json] [-l|--list] [-r ROUNDS] [-t MILLISECONDS] "
	      "[NAME...]\n",
	      stderr);
	return 2;
}

static int known(const char *name)
{
	for (size_t i = 0; i < BENCHMARKS; i++)
		if (strcmp(benchmarks[i].name, name) == 0)
			return 1;
	fprintf(stderr, "bench: %s is not a benchmark; bench --list lists them\n", name);
	return 0;
}

int main(int argc, char *argv[])
{
	int rounds = 7, json = 0, first = 1;
	long milliseconds = 20;

	if (argc >= 2 && strcmp(argv[1], exit_word) == 0)
		_exit(0);
	for (argv++; *argv && **argv == '-'; argv++) {
		if (!strcmp(*argv, "-j") || !strcmp(*argv, "--json")) {
			json = 1;
		} else if (!strcmp(*argv, "-c") || !strcmp(*argv, "--cycles")) {
			count_cycles();
		} else if (!strcmp(*argv, "-l") || !strcmp(*argv, "--list")) {
			for (size_t i = 0; i < BENCHMARKS; i++)
				puts(benchmarks[i].name);
			return 0;
		} else if (!strcmp(*argv, "-r") && argv[1]) {
			rounds = atoi(*++argv);
		} else if (!strcmp(*argv, "-t") && argv[1]) {
			milliseconds = atol(*++argv);
		} else {
			return usage();
		}
	}
	if (rounds < 1 || rounds > MAX_ROUNDS || milliseconds < 1)
		return usage();
	for (char **name = argv; *name; name++)
		if (!known(*name))
			return 2;

	self = (char *)getauxval(AT_EXECFN);
	shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		die("mmap");
	if (sched_getaffinity(0, sizeof(all_cpus), &all_cpus) < 0)
		die("sched_getaffinity");
	for (int cpu = 0; cpu < CPU_SETSIZE && cpu_count < 2; cpu++)
		if (CPU_ISSET(cpu, &all_cpus))
			cpus[cpu_count++] = cpu;

	for (size_t i = 0; i < BENCHMARKS; i++) {
		const struct benchmark *b = &benchmarks[i];

		if (!wanted(b->name, argv))
			continue;
		report(b->name, b->cpus <= cpu_count ? measure(b, rounds, milliseconds) : -1, json,
		       first);
		first = 0;
	}
	if (json)
		puts("\n}");
	return 0;
}
