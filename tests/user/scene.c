/* SPDX-License-Identifier: MIT
 *
 * A known scene for tests/system/test_gdb.py: processes and threads that stand where the test
 * knows, with registers, locks, files and pages that it knows.  The debugger takes hold at
 * scene_ready().
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline, noclone))

/* One page each. */
#define SHARED	 ((volatile unsigned long *)0x10000000UL) /* MAP_SHARED: one frame */
#define PRIVATE	 ((volatile unsigned long *)0x20000000UL) /* both wrote: two frames */
#define COPIED	 ((volatile unsigned long *)0x30000000UL) /* nobody wrote after fork(): one frame */
#define EMPTY	 ((volatile unsigned long *)0x40000000UL) /* never touched */
#define TOUCHED	 ((volatile unsigned long *)0x50000000UL) /* comes and goes */

#define FD_FILE	 10
#define FD_NULL	 11
#define FD_READ	 20
#define FD_WRITE 21

static pthread_mutex_t lock_a, lock_b, lock_plain = PTHREAD_MUTEX_INITIALIZER;
static atomic_int locked_a, locked_b, locked_plain, spinning;
static pthread_t sleeper;
static volatile int sink;
static volatile pid_t fork_child;

static void name(const char *word)
{
	prctl(PR_SET_NAME, word);
}

/* Sleep for ever in pause(), with registers that can be told. */
NOINLINE static void stand(unsigned long base)
{
	__asm__ volatile("mov %0, %%rbx\n\t"
			 "lea 0x12(%%rbx), %%r12\n\t"
			 "lea 0x13(%%rbx), %%r13\n\t"
			 "lea 0x14(%%rbx), %%r14\n\t"
			 "lea 0x15(%%rbx), %%r15\n\t"
			 "lea 0x8(%%rbx), %%r8\n\t"
			 "lea 0x9(%%rbx), %%r9\n\t"
			 "mov %1, %%eax\n\t"
			 "syscall\n\t"
			 :
			 : "r"(base), "i"(SYS_pause)
			 : "rax", "rbx", "rcx", "r8", "r9", "r11", "r12", "r13", "r14", "r15",
			   "memory");
}

static void *first(void *unused)
{
	name("first");
	stand(0x1111111100000000UL);
	return unused;
}

static void *second(void *unused)
{
	name("second");
	stand(0x2222222200000000UL);
	return unused;
}

/* Runs for ever in user mode, on CPU 0, with registers that can be told. */
NOINLINE static void spin(unsigned long base)
{
	__asm__ volatile("mov %0, %%rbx\n\t"
			 "lea 0x12(%%rbx), %%r12\n\t"
			 "1: inc %%rax\n\t"
			 "jmp 1b\n\t" /* line: spin */
			 :
			 : "r"(base)
			 : "rax", "rbx", "r12");
	sink++;
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void *spinner(void *number)
{
	char word[16];

	snprintf(word, sizeof(word), "spin-%ld", (long)number);
	name(word);
	pin(0);
	spinning++;
	spin(0x4444444400000000UL + (unsigned long)number);
	return NULL;
}

/* A backtrace that is known to the line. */
NOINLINE static int sleep_inner(int fd)
{
	char byte = 0;
	long got = read(fd, &byte, 1); /* line: inner */

	sink++;
	return (int)got + byte;
}

NOINLINE static int sleep_middle(int fd, const char *word)
{
	int sum = sleep_inner(fd); /* line: middle */

	sink += word[0];
	return sum;
}

NOINLINE static int sleep_outer(int depth)
{
	int sum;

	if (depth)
		sum = sleep_outer(depth - 1); /* line: outer */
	else
		sum = sleep_middle(FD_READ, "word"); /* line: last */
	sink++;
	return sum + depth;
}

static void *sleep_begin(void *unused)
{
	name("sleeper");
	sink = sleep_outer(3); /* line: begin */
	return unused;
}

static void *join_begin(void *unused)
{
	name("joiner");
	pthread_join(sleeper, NULL);
	return unused;
}

/* a holds lock_a and wants lock_b; b the other way round; c wants lock_a. */
static void *dead_a(void *unused)
{
	name("dead-a");
	pthread_mutex_lock(&lock_a);
	locked_a = 1;
	while (!locked_b)
		sched_yield();
	pthread_mutex_lock(&lock_b);
	return unused;
}

static void *dead_b(void *unused)
{
	name("dead-b");
	pthread_mutex_lock(&lock_b);
	locked_b = 1;
	while (!locked_a)
		sched_yield();
	pthread_mutex_lock(&lock_a);
	return unused;
}

static void *dead_c(void *unused)
{
	name("dead-c");
	while (!locked_a)
		sched_yield();
	pthread_mutex_lock(&lock_a);
	return unused;
}

static void *plain(void *unused)
{
	name("plain");
	while (!locked_plain)
		sched_yield();
	pthread_mutex_lock(&lock_plain);
	return unused;
}

static void *timed(void *unused)
{
	struct timespec long_time = {.tv_sec = 100000};

	name("timed");
	nanosleep(&long_time, NULL);
	return unused;
}

static void nap(void)
{
	struct timespec t = {.tv_nsec = 100000000};

	nanosleep(&t, NULL);
}

/* From CPU to CPU. */
static void *mover(void *unused)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	name("mover");
	for (int i = 0;; i++) {
		pin(i % (int)cpus);
		nap();
	}
	return unused;
}

NOINLINE static void touch(unsigned long value)
{
	*TOUCHED = value; /* line: touch */
}

/* Page faults, and system calls in between. */
static void *faulter(void *unused)
{
	name("faulter");
	for (unsigned long i = 0;; i++) {
		madvise((void *)TOUCHED, 4096, MADV_DONTNEED);
		touch(i);
		nap();
	}
	return unused;
}

/* Forks; every second child becomes another program, which ends. */
static void forker(void)
{
	name("forker");
	for (int i = 0;; i++) {
		pid_t pid = fork();

		if (!pid) {
			name("forked");
			nap();
			if (i & 1)
				execl("/tests/scene_pie", "scene_pie", "end", NULL);
			_exit(0);
		}
		fork_child = pid;
		waitpid(pid, NULL, 0);
		nap();
	}
}

static void map(volatile unsigned long *at, int how)
{
	void *got =
	    mmap((void *)at, 4096, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_ANONYMOUS | how, -1, 0);

	if (got != (void *)at)
		exit(2);
}

static pid_t process(const char *word, void (*act)(void))
{
	pid_t pid = fork();

	if (!pid) {
		name(word);
		act();
		_exit(3);
	}
	return pid;
}

static void twin(void)
{
	*PRIVATE = 0xbbbb;
	sink = (int)*SHARED;
	close(FD_WRITE);
	stand(0x3333333300000000UL);
}

static void wait_for_child(void)
{
	pid_t pid = process("waited", (void (*)(void))pause);

	waitpid(pid, NULL, 0);
}

static void become_pie(void)
{
	execl("/tests/scene_pie", "scene_pie", NULL);
}

static void stop(void)
{
	raise(SIGSTOP);
}

static void end(void)
{
	_exit(0);
}

static void *(*const acts[])(void *) = {first,	 second, sleep_begin, join_begin, dead_a,
					dead_b,	 dead_c, plain,	      timed,	  spinner,
					spinner, mover,	 faulter};

/* Of all threads and processes that stand still: as many as should are asleep, in a futex, pause(),
 * read() ... for good. */
static int asleep(const char *pattern_pid)
{
	char path[64], line[512];
	int count = 0;

	for (int tid = 1; tid < 200; tid++) {
		snprintf(path, sizeof(path), "/proc/%s/task/%d/stat", pattern_pid, tid);
		int fd = open(path, O_RDONLY);
		long n = fd < 0 ? 0 : read(fd, line, sizeof(line) - 1);

		if (fd >= 0)
			close(fd);
		line[n > 0 ? n : 0] = 0;
		char *state = strrchr(line, ')');

		if (!state || state[2] != 'S')
			continue;
		line[state - line] = 0;
		char *word = strchr(line, '(') + 1;

		count += strcmp(word, "mover") && strcmp(word, "faulter") && strcmp(word, "scene");
	}
	return count;
}

NOINLINE static void scene_ready(void)
{
	sink++;
	__asm__ volatile("" ::: "memory");
}

int main(void)
{
	pthread_mutexattr_t checked;
	pid_t pids[4];
	int pipe_ends[2];

	map(SHARED, MAP_SHARED);
	map(PRIVATE, MAP_PRIVATE);
	map(COPIED, MAP_PRIVATE);
	map(EMPTY, MAP_PRIVATE);
	map(TOUCHED, MAP_PRIVATE);
	*SHARED = 0xcccc;
	*PRIVATE = 0xaaaa;
	*COPIED = 0xdddd;
	dup3(open("/etc/passwd", O_RDONLY), FD_FILE, O_CLOEXEC);
	lseek(FD_FILE, 5, SEEK_SET);
	dup2(open("/dev/null", O_WRONLY | O_APPEND), FD_NULL);
	if (pipe(pipe_ends))
		return 2;
	dup2(pipe_ends[0], FD_READ);
	dup2(pipe_ends[1], FD_WRITE);
	for (int fd = 3; fd < FD_FILE; fd++)
		close(fd);

	pids[0] = process("twin", twin);
	pids[1] = process("waiter", wait_for_child);
	pids[2] = process("pie", become_pie);
	process("forker", forker);
	pid_t stopped = process("stopped", stop);
	process("zombie", end);
	waitpid(stopped, NULL, WUNTRACED);
	*PRIVATE = 0xaaab;

	pthread_mutexattr_init(&checked);
	pthread_mutexattr_settype(&checked, PTHREAD_MUTEX_ERRORCHECK);
	pthread_mutex_init(&lock_a, &checked);
	pthread_mutex_init(&lock_b, &checked);
	pthread_mutex_lock(&lock_plain);
	locked_plain = 1;
	for (unsigned long i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		pthread_t thread;

		pthread_create(&thread, NULL, acts[i], (void *)(i & 1));
		if (acts[i] == sleep_begin)
			sleeper = thread;
	}
	while (spinning < 2 || asleep("self") < 9)
		nap();
	for (int i = 0; i < 3; i++) {
		char pid[16];

		snprintf(pid, sizeof(pid), "%d", pids[i]);
		while (!asleep(pid))
			nap();
	}
	for (;;) {
		scene_ready();
		nap();
	}
}
