/* SPDX-License-Identifier: MIT
 *
 * When a process crashes, the others go on; when a thread crashes, the whole process can end. Eight
 * faults are each made twice: by one of four processes, and by one of the four threads of a
 * process. The other three count, so that the lab sees which of them continue.  Then the silent
 * case: one thread overwrites the data of another, and nothing crashes.
 */
#include "lab.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE   4096
#define OTHERS 3   /* the other processes or threads */
#define PAGES  256 /* pages of the process that crashes */

enum { IN_PROCESS, IN_THREAD, PLACES };

static struct shared {
	volatile uint64_t processes[OTHERS], threads[OTHERS]; /* each counts as long as it lives */
	volatile pid_t tid; /* TID of the thread that makes the fault */
	volatile bool go, over, caught;
	volatile bool sum_wrong;
} * shared;

/* --- the faults --------------------------------------------------------------------------------
 */

static volatile int zero;

static void null_pointer(void)
{
	int *volatile nothing = NULL;

	*(volatile int *)nothing = 1;
}

static void division_by_zero(void)
{
	zero = 100 / zero;
}

static void illegal_instruction(void)
{
	__builtin_trap(); /* UD2 on x86 */
}

static int recurse(volatile char *above)
{
	volatile char locals[2000];

	locals[0] = above[0];
	if (zero) /* never true, but the compiler does not know it */
		return 0;
	return recurse(locals) + locals[0]; /* used after the call: this is no tail call */
}

static void stack_overflow(void)
{
	char first = 0;

	zero = recurse(&first);
}

static void write_to_code(void)
{
	*(volatile char *)(uintptr_t)write_to_code = 0;
}

static void wait_to_be_killed(void)
{
	for (;;)
		pause();
}

static void runaway_loop(void)
{
	for (;;)
		lab_spin(1000);
}

static const struct fault {
	const char *name;
	void (*fn)(void);
} faults[] = {
    {"null pointer", null_pointer},
    {"division by 0", division_by_zero},
    {"illegal instr.", illegal_instruction},
    {"stack overflow", stack_overflow},
    {"write to code", write_to_code},
    {"abort", abort},
    {"kill", wait_to_be_killed},
    {"runaway loop", runaway_loop},
};
enum { FAULTS = sizeof(faults) / sizeof(*faults) };

/* --- the processes and threads that make them, and the others -----------------------------------
 */

static void count(volatile uint64_t *counter)
{
	while (!shared->over) {
		++*counter;
		usleep(500);
	}
}

static int other_process(void *counter)
{
	count(counter);
	return 0;
}

static void *other_thread(void *counter)
{
	count(counter);
	return NULL;
}

/* With --catch the handler leaves the fault by siglongjmp(), and only that thread ends. */
static __thread sigjmp_buf saved;

static void leave_fault(int signal)
{
	(void)signal;
	siglongjmp(saved, 1);
}

static void *make_fault(void *arg)
{
	const struct fault *fault = arg;

	shared->tid = syscall(SYS_gettid);
	while (!shared->go)
		usleep(500);
	if (sigsetjmp(saved, 1) == 0)
		fault->fn();
	shared->caught = true;
	return NULL;
}

static void *catch_and_make_fault(void *arg)
{
	static const int caught[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
	struct sigaction action = {.sa_handler = leave_fault, .sa_flags = SA_ONSTACK};
	static char space[64 * 1024];
	stack_t stack = {.ss_sp = space, .ss_size = sizeof(space)};

	/* After a stack overflow the handler needs another stack. */
	sigaltstack(&stack, NULL);
	for (size_t i = 0; i < sizeof(caught) / sizeof(*caught); i++)
		sigaction(caught[i], &action, NULL);
	return make_fault(arg);
}

/* Takes frames of memory, which the kernel must free later. */
static void take_memory(void)
{
	char *memory =
	    mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct rlimit no_core = {0, 0};

	if (memory == MAP_FAILED)
		_exit(2);
	memset(memory, 1, PAGES * PAGE);
	setrlimit(RLIMIT_CORE, &no_core);
}

static int fault_in_process(void *fault)
{
	take_memory();
	make_fault(fault);
	return 0;
}

static int fault_in_thread(void *fault)
{
	pthread_t thread;

	take_memory();
	for (int i = 0; i < OTHERS; i++)
		lab_thread("sibling", other_thread, (void *)&shared->threads[i]);
	thread = lab_thread("faulty", lab_knob("catch") ? catch_and_make_fault : make_fault, fault);
	pthread_join(thread, NULL);
	while (!shared->over)
		usleep(1000);
	return 0;
}

/* --- one fault, watched from another process ----------------------------------------------------
 */

struct outcome {
	bool ended;	     /* the process that made the fault ended */
	int signal;	     /* the signal that ended it */
	bool caught;	     /* only the thread ended */
	int processes_left;  /* of three */
	int threads_left;    /* of three */
	bool zombie, gone;   /* its state before wait() and after */
	bool end_of_file;    /* the kernel closed its end of a pipe */
	uint64_t held, lost; /* frames that it had; frames that were not freed */
	int killed_by;	     /* runaway loop: the signal that ended its process later */
};

static struct outcome outcomes[FAULTS][PLACES];

static uint64_t free_frames(void)
{
	uint64_t kib = 0;

	lab_value("/proc/meminfo", "MemFree", &kib);
	return kib / 4;
}

static bool has_ended(pid_t pid)
{
	siginfo_t info = {0};

	return waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid;
}

/* Returns how many of three counters still grow.  If the process is gone, it does not wait long. */
static int go_on(volatile uint64_t *counters, bool gone)
{
	uint64_t before[OTHERS], deadline = lab_now_ns() + (gone ? 30000000ull : 3000000000ull);
	int going;

	for (int i = 0; i < OTHERS; i++)
		before[i] = counters[i];
	do {
		usleep(2000);
		going = 0;
		for (int i = 0; i < OTHERS; i++)
			going += counters[i] >
				 before[i] + 1; /* one increment may have been in progress */
	} while (going < OTHERS && lab_now_ns() < deadline);
	return going;
}

static struct outcome watch(const struct fault *fault, int place)
{
	struct outcome o = {0};
	uint64_t before, deadline;
	int ends[2], status;
	char byte;
	pid_t pid;

	shared->go = shared->caught = false;
	shared->tid = 0;
	memset((void *)shared->threads, 0, sizeof(shared->threads));
	before = free_frames();
	if (pipe(ends) < 0)
		lab_die("pipe: %s", strerror(errno));
	pid = lab_fork("crashes", place == IN_THREAD ? fault_in_thread : fault_in_process,
		       (void *)(uintptr_t)fault);
	close(ends[1]); /* now only the child has this end open */
	while (!shared->tid || (place == IN_THREAD && go_on(shared->threads, false) < OTHERS)) {
		if (has_ended(pid))
			lab_die("the child could not start");
		usleep(1000);
	}
	o.held = before - free_frames();
	shared->go = true;
	if (fault->fn == wait_to_be_killed)
		syscall(SYS_tgkill, pid, shared->tid, SIGKILL);
	deadline = lab_now_ns() + (fault->fn == runaway_loop ? 200000000ull : 20000000000ull);
	while (!(o.ended = has_ended(pid)) && !(o.caught = shared->caught) &&
	       lab_now_ns() < deadline)
		usleep(1000);
	o.processes_left = go_on(shared->processes, false);
	o.threads_left = place == IN_THREAD ? go_on(shared->threads, o.ended) : 0;
	if (!o.ended)
		syscall(SYS_tgkill, pid, shared->caught ? pid : shared->tid, SIGKILL);
	while (!has_ended(pid))
		usleep(1000);
	/* The dead process closed nothing itself, and its parent has not waited for it yet. */
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	o.end_of_file = read(ends[0], &byte, 1) == 0;
	o.zombie = lab_state(pid, pid) == 'Z';
	status = lab_wait(pid);
	o.signal = o.ended && WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	o.killed_by = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	o.gone = kill(pid, 0) < 0 && errno == ESRCH && lab_state(pid, pid) == '-';
	close(ends[0]);
	/* Freed frames may still be in the free lists of single CPUs. */
	for (int i = 0; i < 50; i++) {
		uint64_t now = free_frames();

		o.lost = now < before ? before - now : 0;
		if (o.lost == 0)
			break;
		usleep(2000);
	}
	return o;
}

static const char *signal_name(int signal)
{
	return signal == SIGSEGV   ? "SIGSEGV"
	       : signal == SIGFPE  ? "SIGFPE"
	       : signal == SIGILL  ? "SIGILL"
	       : signal == SIGABRT ? "SIGABRT"
	       : signal == SIGKILL ? "SIGKILL"
				   : "?";
}

static const char *who_died(const struct outcome *o, int place)
{
	static char texts[4][32];
	static int next;
	char *text = texts[next++ % 4];

	if (o->caught)
		return "the thread";
	if (!o->ended)
		return "none";
	snprintf(text, sizeof(*texts), "%s: %d of 4", signal_name(o->signal),
		 place == IN_THREAD ? 4 - o->threads_left : 4 - o->processes_left);
	return text;
}

/* --- the silent case ---------------------------------------------------------------------------
 */

static unsigned char account[1000]; /* the data of one program */
static unsigned char letters[100];  /* the data of the other */

static unsigned sum(void)
{
	unsigned total = 0;

	for (size_t i = 0; i < sizeof(account); i++)
		total = total * 31 + account[i];
	return total;
}

/* Writes to its own array, but with a wrong index. */
static int write_astray(void *unused)
{
	volatile unsigned char *at = letters;
	volatile intptr_t index = (intptr_t)account - (intptr_t)letters + 500;

	__asm__("" : "+r"(at));
	at[index] ^= 0x40;
	(void)unused;
	return 0; /* the exit status of a program without errors */
}

static void *astray_thread(void *unused)
{
	write_astray(unused);
	return NULL;
}

static int astray_in_thread(void *unused)
{
	unsigned right = sum();
	pthread_t thread = lab_thread("astray", astray_thread, unused);

	pthread_join(thread, NULL);
	shared->sum_wrong = sum() != right;
	return 0;
}

static void silent_row(struct lab_table *table, const char *who, int status, bool wrong)
{
	lab_row(table, "%s|%s|%d|%s", who, WIFSIGNALED(status) ? "yes" : "none",
		WEXITSTATUS(status), wrong ? "WRONG" : "right");
}

static void silent_case(void)
{
	struct lab_table *table = lab_table("The silent case: one writes to the data of another",
					    "writer|signal|exit status|the other's checksum");
	unsigned right;
	int by_process, by_thread;
	bool wrong;

	memset(account, 7, sizeof(account));
	right = sum();
	by_process = lab_wait(lab_fork("astray", write_astray, NULL));
	wrong = sum() != right;
	by_thread = lab_wait(lab_fork("house", astray_in_thread, NULL));
	silent_row(table, "another process", by_process, wrong);
	silent_row(table, "another thread", by_thread, shared->sum_wrong);
	lab_check(shared->sum_wrong, "a thread's wrong write changed the data of a sibling");
	lab_check(!wrong, "a process's wrong write did not change the data of another process");
	lab_check_equals((by_process != 0) + (by_thread != 0), 0, "",
			 "of these two, those that ended with a signal or an error");
}

/* --- the lab -----------------------------------------------------------------------------------
 */

static void show(void)
{
	struct lab_table *table = lab_table(
	    "One of four makes the fault: which of them died, and how many others continue",
	    "fault|in a process|>others|in a thread|>threads|>processes");

	for (int i = 0; i < FAULTS; i++) {
		const struct outcome *p = &outcomes[i][IN_PROCESS], *t = &outcomes[i][IN_THREAD];

		lab_row(table, "%s|%s|%d of 3|%s|%d of 3|%d of 3", faults[i].name,
			who_died(p, IN_PROCESS), p->processes_left, who_died(t, IN_THREAD),
			t->threads_left, t->processes_left);
	}
	lab_note("A runaway loop ends nothing. The lab ended both with SIGKILL: the process alone; "
		 "the thread only together with its process.");
	table = lab_table("What the kernel freed after the fault",
			  "fault|of a|>frames held|>not freed|its pipe|its PID");
	for (int i = 0; i < FAULTS * PLACES; i++) {
		const struct outcome *o = &outcomes[i / PLACES][i % PLACES];
		char held[24] = "-", lost[24] = "-";

		if (lab_options.on_heddle) {
			snprintf(held, sizeof(held), "%llu", (unsigned long long)o->held);
			snprintf(lost, sizeof(lost), "%llu", (unsigned long long)o->lost);
		}
		lab_row(table, "%s|%s|%s|%s|%s|%s", i % PLACES ? "" : faults[i / PLACES].name,
			i % PLACES ? "thread" : "process", held, lost,
			o->end_of_file ? "closed" : "OPEN",
			o->zombie && o->gone ? "zombie, then free"
			: o->gone	     ? "free"
					     : "STILL THERE");
	}
	if (!lab_options.on_heddle)
		lab_left_out(
		    "Frames held and freed",
		    "Linux keeps freed frames in a list of each CPU, and other programs run");
}

static void run(void)
{
	int contained = 0, taken = 0, deaths[PLACES] = {0}, outsiders = 0, reclaimed = 0;
	pid_t pids[OTHERS];
	const struct outcome *runaway = outcomes[FAULTS - 1];

	shared = lab_shared(sizeof(*shared));
	for (int i = 0; i < OTHERS; i++)
		pids[i] = lab_fork("other", other_process, (void *)&shared->processes[i]);
	for (int i = -1; i < FAULTS; i++)
		for (int place = 0; place < PLACES; place++) {
			/* i is -1: a first run fills the kernel's caches and is not counted. */
			struct outcome o = watch(&faults[i < 0 ? 0 : i], place);

			if (i >= 0)
				outcomes[i][place] = o;
			lab_progress("faults", (i + 1) * PLACES + place, (FAULTS + 1) * PLACES);
		}
	for (int i = 0; i < FAULTS * PLACES; i++) {
		const struct outcome *o = &outcomes[i / PLACES][i % PLACES];
		bool died = o->ended || o->caught;

		deaths[i % PLACES] += died;
		outsiders += o->processes_left;
		if (i % PLACES == IN_PROCESS)
			contained += died && o->processes_left == OTHERS;
		else
			taken += died && o->threads_left == 0;
		reclaimed += o->end_of_file && o->zombie && o->gone &&
			     (!lab_options.on_heddle || (o->held >= PAGES && o->lost < PAGES / 8));
	}
	show();
	silent_case();
	shared->over = true;
	for (int i = 0; i < OTHERS; i++)
		lab_wait(pids[i]);
	lab_check_equals(contained, FAULTS - 1, "crashes",
			 "crashes in a process that ended only that process");
	lab_check_equals(taken, FAULTS - 1, "crashes",
			 "crashes in a thread that also ended its three siblings");
	lab_check_equals(outsiders, FAULTS * PLACES * OTHERS, "",
			 "other processes that continued after the crashes");
	lab_check_equals(runaway[IN_PROCESS].ended + runaway[IN_THREAD].ended, 0, "",
			 "runaway loops that ended by themselves");
	lab_check_equals(runaway[IN_THREAD].threads_left, OTHERS, "threads",
			 "siblings that continued beside the runaway thread");
	lab_check(runaway[IN_PROCESS].killed_by == SIGKILL &&
		      runaway[IN_THREAD].killed_by == SIGKILL,
		  "SIGKILL for the runaway process, or thread, ended its process");
	lab_check_equals(reclaimed, FAULTS * PLACES, "cases",
			 lab_options.on_heddle
			     ? "cases in which the kernel freed the PID, the pipe "
			       "and all frames, except for at most %d"
			     : "cases in which the kernel freed the PID and the "
			       "pipe",
			 PAGES / 8 - 1);
	lab_figure("lost_with_process",
		   deaths[IN_PROCESS] ? 4 - (double)OTHERS * contained / deaths[IN_PROCESS] : 0,
		   "of 4", "processes that end when one of four crashes, on average");
	lab_figure("lost_with_thread",
		   deaths[IN_THREAD] ? 1 + (double)OTHERS * taken / deaths[IN_THREAD] : 0, "of 4",
		   "threads that end when one of four crashes, on average");
	if (lab_checks_failed() == 0)
		lab_verdict(LAB_CORRECTED,
			    "%d of %d crashes in a thread ended its whole process; a crash in a "
			    "process ended only that process. Threads do not fault more often, but "
			    "a fault in a thread is not contained. The worst case is silent: a "
			    "thread changed the data of another, and nothing crashed.",
			    taken, deaths[IN_THREAD]);
	else
		lab_verdict(LAB_FALSE,
			    "%d of %d crashes in a thread ended its whole process; %d of %d "
			    "crashes in a process did not affect the others.",
			    taken, deaths[IN_THREAD], contained, deaths[IN_PROCESS]);
}

static const struct lab_knob knobs[] = {
    {"catch", NULL, "a handler jumps out of the fault: only the faulty thread ends"},
    {0},
};

const struct lab lab = {
    .name = "stability",
    .claim = "When a process crashes the others go on; when a thread crashes the whole process can "
	     "go.",
    .loose = "Threads are not \"less stable\": they fault as often as processes. The difference is "
	     "that a fault in a thread is not contained. And the worst fault is silent: one thread "
	     "changes the data of another, and nothing crashes.",
    .predict = {.question = "One of four threads divides by zero. How many of the four go on?",
		.choices = {"none", "three", "four"},
		.answer = 0,
		.why =
		    "The default action of the signal ends the process, because the kernel cannot "
		    "know in which state the thread left the shared memory."},
    .knobs = knobs,
    .expect = LAB_CORRECTED,
    .books = "A bug in one thread can damage all the threads in the process, for they share the "
	     "same address space; processes are more isolated from one another (Kerrisk, 29.9).",
    .sources = "arch/x86_64/entry/trap.c, kernel/task/dying.c signal_group_exit(), "
	       "kernel/proc/exit.c",
    .tour = "page-fault",
    .run = run,
};
