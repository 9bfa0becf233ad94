/* SPDX-License-Identifier: MIT
 *
 * lab threading: one program, written three times: with POSIX threads, with C11 threads, and with a
 * small Win32-style interface that this file implements.  The lab counts the system calls of each.
 * With --green the first one uses threads that the kernel does not know about.
 *
 * The program: three workers.  The first takes a lock and sleeps 60 ms while it holds it; the two
 * others wait for the lock.  Each adds to a sum.  The main thread waits for all workers.
 */
#include "lab.h"

#include "user/labs/threading/languages.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

enum { WORKERS = 3, ROUNDS = 5, NUMBERS = 512 };

/* The result of a run; in shared memory, because on Linux the program runs in a traced child. */
static struct result {
	long sum;
	int tasks; /* threads of the process while the workers lived */
	pid_t tids[WORKERS];
	double ms;
	long calls[NUMBERS]; /* by number of the call */
} * results;
static struct result *result; /* of the current run */

static void work_alone_for(int ms)
{
	struct timespec time = {.tv_nsec = ms * 1000000L};

	nanosleep(&time, NULL);
}

static int count_tasks(void)
{
	uint64_t threads = 0;

	lab_status(getpid(), "Threads", &threads);
	return (int)threads;
}

/* The work of each worker while it holds the lock. */
static void add(long i)
{
	result->tids[i] = (pid_t)syscall(SYS_gettid);
	result->sum += i + 1;
	if (i == 0)
		work_alone_for(60);
}

/* --- With POSIX threads -------------------------------------------------------------------------
 */

static pthread_mutex_t posix_lock;

static void *posix_worker(void *i)
{
	pthread_mutex_lock(&posix_lock);
	add((long)i);
	pthread_mutex_unlock(&posix_lock);
	return NULL;
}

static void with_posix(void)
{
	pthread_t threads[WORKERS];

	pthread_mutex_init(&posix_lock, NULL);
	for (long i = 0; i < WORKERS; i++) {
		pthread_create(&threads[i], NULL, posix_worker, (void *)i);
		work_alone_for(5);
	}
	result->tasks = count_tasks();
	for (int i = 0; i < WORKERS; i++)
		pthread_join(threads[i], NULL);
	pthread_mutex_destroy(&posix_lock);
}

/* --- With C11 threads ---------------------------------------------------------------------------
 */

static mtx_t c11_lock;

static int c11_worker(void *i)
{
	mtx_lock(&c11_lock);
	add((long)i);
	mtx_unlock(&c11_lock);
	return 0;
}

static void with_c11(void)
{
	thrd_t threads[WORKERS];

	mtx_init(&c11_lock, mtx_plain);
	for (long i = 0; i < WORKERS; i++) {
		thrd_create(&threads[i], c11_worker, (void *)i);
		work_alone_for(5);
	}
	result->tasks = count_tasks();
	for (int i = 0; i < WORKERS; i++)
		thrd_join(threads[i], NULL);
	mtx_destroy(&c11_lock);
}

/* --- In the style of Win32 ----------------------------------------------------------------------
 */

typedef unsigned long DWORD;
typedef void *LPVOID;
typedef DWORD (*LPTHREAD_START_ROUTINE)(LPVOID);
#define INFINITE      0xffffffffUL
#define WAIT_OBJECT_0 0UL
#define WAIT_FAILED   0xffffffffUL

typedef struct thread_object {
	pthread_t thread;
	LPTHREAD_START_ROUTINE start;
	LPVOID parameter;
	DWORD exit_code;
	bool used, joined;
} * HANDLE;

typedef pthread_mutex_t CRITICAL_SECTION;

static void *begin_thread(void *handle)
{
	HANDLE h = handle;

	h->exit_code = h->start(h->parameter);
	return NULL;
}

static HANDLE CreateThread(LPTHREAD_START_ROUTINE start, LPVOID parameter)
{
	static struct thread_object objects[WORKERS];
	HANDLE h = objects;

	while (h < objects + WORKERS && h->used)
		h++;
	if (h == objects + WORKERS)
		return NULL;
	h->start = start;
	h->parameter = parameter;
	h->joined = false;
	h->used = pthread_create(&h->thread, NULL, begin_thread, h) == 0;
	return h->used ? h : NULL;
}

/* Only for threads, and only without a time limit. */
static DWORD WaitForSingleObject(HANDLE h, DWORD ms)
{
	if (ms != INFINITE || (!h->joined && pthread_join(h->thread, NULL)))
		return WAIT_FAILED;
	h->joined = true;
	return WAIT_OBJECT_0;
}

static void CloseHandle(HANDLE h)
{
	if (!h->joined)
		pthread_detach(h->thread);
	h->used = false;
}

/* Recursive, like Win32's critical sections. */
static void InitializeCriticalSection(CRITICAL_SECTION *section)
{
	pthread_mutexattr_t attributes;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(section, &attributes);
	pthread_mutexattr_destroy(&attributes);
}

static void EnterCriticalSection(CRITICAL_SECTION *section)
{
	pthread_mutex_lock(section);
}

static void LeaveCriticalSection(CRITICAL_SECTION *section)
{
	pthread_mutex_unlock(section);
}

static void DeleteCriticalSection(CRITICAL_SECTION *section)
{
	pthread_mutex_destroy(section);
}

/* The program begins here.  It uses nothing of POSIX. */
static CRITICAL_SECTION win32_lock;

static DWORD win32_worker(LPVOID i)
{
	EnterCriticalSection(&win32_lock);
	add((long)i);
	LeaveCriticalSection(&win32_lock);
	return 0;
}

static void with_win32(void)
{
	HANDLE threads[WORKERS];

	InitializeCriticalSection(&win32_lock);
	for (long i = 0; i < WORKERS; i++) {
		threads[i] = CreateThread(win32_worker, (LPVOID)i);
		work_alone_for(5);
	}
	result->tasks = count_tasks();
	for (int i = 0; i < WORKERS; i++) {
		WaitForSingleObject(threads[i], INFINITE);
		CloseHandle(threads[i]);
	}
	DeleteCriticalSection(&win32_lock);
}

/* --- Green threads: without the kernel ----------------------------------------------------------
 */

/* Thread 0 is the main thread.  A thread that does not run is a stack pointer: its registers are
 * saved on its stack. */
static struct green {
	void *sp;
	bool ended;
	long argument;
	char stack[64 * 1024] __attribute__((aligned(16)));
} green[WORKERS + 1];
static int running, greens;
static bool green_lock;

/* Saves the callee-saved registers on this stack, loads the other stack pointer, and returns on it.
 */
void green_switch(void **from, void *to);
__asm__(".text\n"
	".globl green_switch\n"
	"green_switch:\n"
	"push %rbp; push %rbx; push %r12; push %r13; push %r14; push %r15\n"
	"mov %rsp, (%rdi)\n"
	"mov %rsi, %rsp\n"
	"pop %r15; pop %r14; pop %r13; pop %r12; pop %rbx; pop %rbp\n"
	"ret\n");

static void green_yield(void)
{
	int from = running;

	do
		running = (running + 1) % (greens + 1);
	while (green[running].ended);
	if (running != from)
		green_switch(&green[from].sp, green[running].sp);
}

static void green_worker(void)
{
	while (green_lock)
		green_yield();
	green_lock = true;
	add(green[running].argument);
	green_lock = false;
	green[running].ended = true;
	green_yield(); /* does not return */
}

static void with_green(void)
{
	greens = running = 0;
	for (long i = 0; i < WORKERS; i++) {
		struct green *g = &green[greens + 1];
		void **top = (void **)(g->stack + sizeof(g->stack));

		top[-2] = (void *)green_worker; /* return address of its first switch */
		g->sp = top - 8;		/* below it: six saved registers */
		g->argument = i;
		g->ended = false;
		greens++;
		work_alone_for(5);
	}
	result->tasks = count_tasks();
	for (int i = 1; i <= greens; i++)
		while (!green[i].ended)
			green_yield();
}

/* --- Counting -----------------------------------------------------------------------------------
 */

/* The program without threads: its calls are subtracted from the others. */
static void without_threads(void)
{
	for (long i = 0; i < WORKERS; i++) {
		work_alone_for(5);
		add(i);
	}
	result->tasks = count_tasks();
}

/* On Heddle: reads the calls of the whole machine, before and after; all other processes sleep. */
static bool read_calls(long calls[NUMBERS], int sign)
{
	char *text = lab_read("/proc/heddle/syscalls");
	int number, used;
	long count;

	if (!text)
		return false;
	for (char *at = text; sscanf(at, "%d%*s%*s%n", &number, &used) == 1; at += used) {
		char *digits = at + used;

		while (digits[-1] != ' ')
			digits--;
		count = atol(digits);
		if (number >= 0 && number < NUMBERS)
			calls[number] += sign * count;
	}
	free(text);
	return true;
}

/* On Linux: a traced child runs the program and stops at each call. */
static bool run_traced(void (*program)(void))
{
	struct user_regs_struct regs;
	int status;
	pid_t child = fork(), tid;

	if (child == 0) {
		if (ptrace(PTRACE_TRACEME, 0, 0, 0))
			_exit(1);
		raise(SIGSTOP);
		program();
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE) ||
	    ptrace(PTRACE_SYSCALL, child, 0, 0))
		return false;
	while ((tid = waitpid(-1, &status, __WALL)) > 0) {
		if (!WIFSTOPPED(status)) {
			if (tid == child)
				return WIFEXITED(status) && WEXITSTATUS(status) == 0;
			continue;
		}
		/* At the entry of a call the kernel sets the result to -ENOSYS; at its exit, to the
		 * result. */
		if (WSTOPSIG(status) == (SIGTRAP | 0x80) &&
		    !ptrace(PTRACE_GETREGS, tid, 0, &regs) && (long)regs.rax == -ENOSYS &&
		    regs.orig_rax < NUMBERS)
			result->calls[regs.orig_rax]++;
		ptrace(PTRACE_SYSCALL, tid, 0, 0);
	}
	return false;
}

/* Runs the program ROUNDS times; keeps the median count of each call and the shortest time. */
static bool count_calls(struct result *r, void (*program)(void))
{
	static double counts[NUMBERS][ROUNDS];
	double shortest = 1e9;
	int tasks = 0;

	result = r;
	for (int round = 0; round < ROUNDS; round++) {
		memset(r, 0, sizeof(*r));
		bool on_heddle = read_calls(r->calls, -1);
		uint64_t start = lab_now_ns();

		if (on_heddle)
			program();
		else if (!run_traced(program))
			return false;
		r->ms = (lab_now_ns() - start) / 1e6;
		shortest = r->ms < shortest ? r->ms : shortest;
		tasks = r->tasks > tasks ? r->tasks : tasks;
		if (on_heddle)
			read_calls(r->calls, 1);
		for (int i = 0; i < NUMBERS; i++)
			counts[i][round] = (double)r->calls[i];
	}
	for (int i = 0; i < NUMBERS; i++)
		r->calls[i] = (long)lab_median(counts[i], ROUNDS);
	r->ms = shortest;
	r->tasks = tasks; /* in some rounds a worker had ended before the count */
	return true;
}

/* --- All of it ----------------------------------------------------------------------------------
 */

static const char *name_of(int number)
{
	static const struct {
		int number;
		const char *name;
	} names[] = {
	    {SYS_clone, "clone"},
	    {SYS_clone3, "clone3"},
	    {SYS_futex, "futex"},
	    {SYS_mmap, "mmap"},
	    {SYS_mprotect, "mprotect"},
	    {SYS_munmap, "munmap"},
	    {SYS_madvise, "madvise"},
	    {SYS_rt_sigprocmask, "rt_sigprocmask"},
	    {SYS_set_robust_list, "set_robust_list"},
	    {SYS_rseq, "rseq"},
	    {SYS_exit, "exit"},
	    {SYS_brk, "brk"},
	    {SYS_gettid, "gettid"},
	    {SYS_rt_sigaction, "rt_sigaction"},
	    {SYS_membarrier, "membarrier"},
	};
	static char other[32];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].number == number)
			return names[i].name;
	snprintf(other, sizeof(other), "call %d", number);
	return other;
}

static int different_tids(const struct result *r)
{
	int count = 0;

	for (int i = 0; i < WORKERS; i++) {
		int j = 0;

		while (j < i && r->tids[j] != r->tids[i])
			j++;
		count += j == i;
	}
	return count;
}

static void posix_alone(void)
{
	static struct result unused;

	result = &unused;
	with_posix();
}

static void run(void)
{
	enum { POSIX, C11, WIN32, WAYS };
	bool use_green = lab_knob("green");
	void (*const programs[WAYS + 1])(void) = {use_green ? with_green : with_posix, with_c11,
						  with_win32, without_threads};
	bool same = true, right = true;
	int kinds = 0; /* calls that not all three make */

	results = lab_shared((WAYS + 1) * sizeof(*results));
	for (int i = 0; i <= WAYS; i++) {
		lab_progress("counting system calls", i, WAYS + 1);
		if (!count_calls(&results[i], programs[i])) {
			lab_left_out("the system calls",
				     "no /proc/heddle/syscalls, and no ptrace()");
			lab_verdict(LAB_NOT_SHOWN,
				    "This system does not let the lab count its system calls.");
			return;
		}
	}

	struct result *p = &results[POSIX], *c = &results[C11], *w = &results[WIN32];
	struct lab_table *t = lab_table("System calls, minus those of the program without threads",
					use_green ? "call|>green|>C11|>Win32 style"
						  : "call|>POSIX|>C11|>Win32 style");

	for (int i = 0; i < NUMBERS; i++) {
		for (int way = 0; way < WAYS; way++)
			results[way].calls[i] -= results[WAYS].calls[i];
		kinds += !p->calls[i] != !c->calls[i] || !c->calls[i] != !w->calls[i];
		if (p->calls[i] || c->calls[i] || w->calls[i])
			lab_row(t, "%s|%ld|%ld|%ld", name_of(i), p->calls[i], c->calls[i],
				w->calls[i]);
	}
	t = lab_table("What the kernel knew about the threads",
		      use_green ? "|>green|>C11|>Win32 style" : "|>POSIX|>C11|>Win32 style");
	lab_row(t, "threads of the process|%d|%d|%d", p->tasks, c->tasks, w->tasks);
	lab_row(t, "different TIDs of the workers|%d|%d|%d", different_tids(p), different_tids(c),
		different_tids(w));
	lab_row(t, "the sum|%ld|%ld|%ld", p->sum, c->sum, w->sum);
	lab_row(t, "ms; one worker slept 60 ms|%.0f|%.0f|%.0f", p->ms, c->ms, w->ms);
	lab_note(
	    "C11 threads and the Win32-style threads are a few lines on top of POSIX threads, in "
	    "the C library and in this file. In all three clone() makes each thread, and a thread "
	    "waits in futex() for a lock or for the end of another thread. If a count differs, a "
	    "library blocks signals once more, or a thread reached a lock a moment later.");

	if (!use_green)
		trace_languages(posix_alone, WORKERS);

	long clones = p->calls[SYS_clone] + p->calls[SYS_clone3];

	for (int way = 0; way < WAYS; way++) {
		const struct result *r = &results[way];

		right &= r->sum == WORKERS * (WORKERS + 1) / 2;
		same &= r->calls[SYS_clone] + r->calls[SYS_clone3] == clones;
	}
	lab_check(right, "each of the three programs does its work");
	lab_check_equals(kinds, 0, "", "system calls that one of the three makes and another not");
	lab_check(same, "all three call clone equally often");
	lab_check_equals(clones, WORKERS, "", "calls of clone in the first program");
	lab_check_equals(p->tasks, WORKERS + 1, "",
			 "threads of the first program that the kernel knew");
	lab_figure("clones", (double)clones, "", "calls of clone for three workers");
	lab_figure("futexes", (double)p->calls[SYS_futex], "", "calls of futex");
	if (right && same && !kinds && clones == WORKERS && p->tasks == WORKERS + 1)
		lab_verdict(
		    LAB_CORRECTED,
		    "The program calls a library, and it may choose which one. But every "
		    "library only asks the kernel: all three make the same kinds of system calls, "
		    "with %ld calls of clone(). The kernel makes the thread.",
		    clones);
	else if (right && clones == 0 && p->tasks == 1)
		lab_verdict(
		    LAB_TRUE,
		    "Green threads come from the library alone: no clone(), one TID, one thread "
		    "in the kernel. So the kernel cannot run two of them at the same time, and "
		    "when one sleeps, all of them sleep.");
	else
		lab_verdict(LAB_FALSE,
			    "The system calls of the three programs are not the same, or "
			    "not all threads are known to the kernel.");
}

static const struct lab_knob knobs[] = {
    {"green", NULL, "instead of POSIX threads: a library that switches stacks itself"},
    {0},
};

const struct lab lab = {
    .name = "threading",
    .claim = "Threads come from a library: pthreads or Win32 threads.",
    .loose = "The library asks the kernel; the kernel makes the thread.",
    .predict = {"The same program with POSIX, C11 and Win32-style threads. Below them are ...",
		{"three different system calls", "the same system calls", "no system calls", NULL},
		1,
		"On this kernel there is one way to make a thread: clone(). The interfaces differ "
		"only in names."},
    .knobs = knobs,
    .expect = LAB_CORRECTED,
    .books = "Three libraries are in use: POSIX, Windows, Java; a library can be in user space or "
	     "rest on the kernel (Silberschatz 4.4). Threads in user space and in the kernel: "
	     "Tanenbaum 2.2.4 to 2.2.6.",
    .sources = "kernel/proc/fork.c clone_thread(), kernel/ipc/futex.c",
    .tour = "futex",
    .run = run,
};
