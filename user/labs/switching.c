/* SPDX-License-Identifier: MIT
 *
 * What a context switch costs: between threads of one process, and between processes.
 *
 * 2 to 64 participants run on one CPU.  Each one reads the pages of its working set, then calls
 * sched_yield().  The first one measures every lap: the time until it runs again.  A lap takes some
 * microseconds, so a disturbance spoils only a few laps; the median lap, divided by the number of
 * participants, is one turn: a system call and a switch.  The
 * parts are measured separately: a system call alone, sched_yield() with no other thread to switch
 * to, saving and restoring floating-point state, pages whose translation is in the TLB, and pages
 * after a switch.
 */
#include "lab.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST	   64
#define PAGES	   64 /* of the largest working set */
#define PAGE	   4096
#define STACK	   (64 * 1024)
#define LAPS	   3000

#define LEAST_LAPS 15
#define MOST_NS	   (100 * 1000 * 1000)

enum kind { THREADS, PROCESSES };

static struct shared {
	volatile int ready, go;
	volatile bool over;
	int count;	   /* laps of the first participant */
	double laps[LAPS]; /* their cycles */
} * shared;

static int count, turns, pages;
static char *working_set; /* threads share it, each process has a copy */

static inline void look(int n)
{
	for (int p = 0; p < n; p++)
		*(volatile char *)(working_set + p * PAGE);
}

/* On Linux beside other programs each lap can take several of their time slices: a few laps must do
 * then. */
static void measure_laps(void)
{
	uint64_t begin = lab_now_ns();
	int n = 0;

	while (n < turns && (n < LEAST_LAPS || lab_now_ns() - begin < MOST_NS)) {
		uint64_t start = lab_cycles();

		look(pages);
		sched_yield();
		shared->laps[n++] = (double)(lab_cycles() - start);
	}
	shared->count = n;
	shared->over = true;
}

static int take_turns(void *arg)
{
	int me = (int)(intptr_t)arg;

	for (int p = 0; p < PAGES; p++) /* so that each process has its own frame for each page */
		*(volatile char *)(working_set + p * PAGE) = 1;
	__atomic_add_fetch(&shared->ready, 1, __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&shared->go, __ATOMIC_ACQUIRE))
		sched_yield();
	if (me == 0)
		measure_laps();
	for (int i = 0; i < turns && me != 0 && !shared->over; i++) {
		look(pages);
		sched_yield();
	}
	return 0;
}

static void *take_turns_thread(void *arg)
{
	take_turns(arg);
	return NULL;
}

/* Makes the child of --share-space: a process in all except the address space. */
static pid_t process_in_this_space(int me, char **stack)
{
	pid_t pid;

	*stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (*stack == MAP_FAILED)
		lab_die("mmap: %s", strerror(errno));
	pid = clone(take_turns, *stack + STACK, CLONE_VM | SIGCHLD, (void *)(intptr_t)me);
	if (pid < 0)
		lab_die("clone: %s", strerror(errno));
	return pid;
}

/* Returns the cycles of one turn. */
static double turn_cycles(enum kind kind, int participants, int set)
{
	bool share = lab_knob("share-space");
	pthread_t threads[MOST];
	pid_t children[MOST];
	char *stacks[MOST];

	count = participants;
	pages = set;
	turns = (lab_pick(6000, 1500) + count - 1) / count;
	shared->ready = shared->go = 0;
	shared->over = false;
	for (int i = 0; i < count; i++) {
		if (kind == THREADS)
			threads[i] = lab_thread("turns", take_turns_thread, (void *)(intptr_t)i);
		else if (share)
			children[i] = process_in_this_space(i, &stacks[i]);
		else
			children[i] = lab_fork("turns", take_turns, (void *)(intptr_t)i);
	}
	while (__atomic_load_n(&shared->ready, __ATOMIC_ACQUIRE) < count)
		sched_yield();
	__atomic_store_n(&shared->go, 1, __ATOMIC_RELEASE);
	for (int i = 0; i < count; i++) {
		if (kind == THREADS)
			pthread_join(threads[i], NULL);
		else
			lab_wait(children[i]);
		if (kind == PROCESSES && share)
			munmap(stacks[i], STACK);
	}
	return lab_median(shared->laps, shared->count) / count;
}

/* Measures both kinds alternately, so that a disturbance affects both; takes the lowest round. */
static void compare(int participants, int set, double cycles[2])
{
	cycles[THREADS] = cycles[PROCESSES] = 1e30;
	for (int i = 0; i < lab_pick(5, 3); i++) {
		for (int kind = THREADS; kind <= PROCESSES; kind++) {
			double c = turn_cycles(kind, participants, set);

			if (c < cycles[kind])
				cycles[kind] = c;
		}
	}
}

static double best_of(void (*fn)(void))
{
	double best = 1e30;

	for (int i = 0; i < 20; i++) {
		uint64_t start = lab_cycles();

		for (int j = 0; j < 100; j++)
			fn();
		start = lab_cycles() - start;
		if (start / 100.0 < best)
			best = start / 100.0;
	}
	return best;
}

static void null_call(void)
{
	syscall(SYS_getppid);
}

static void yield_alone(void)
{
	sched_yield();
}

static void look_at_all(void)
{
	look(PAGES);
}

/* FXSAVE and FXRSTOR work in user mode too.  The kernel saves at least this state. */
static void fpu_save_restore(void)
{
	static _Alignas(64) char area[512];

	__asm__ volatile("fxsave64 %0\n\tfxrstor64 %0" : "+m"(area));
}

static void run(void)
{
	static const int numbers[] = {2, 8, 64}, sets[] = {0, 8, PAGES};
	double cycles[3][3][2], roots[2], call, alone, fpu, warm, extra;
	struct lab_counters before, threads, processes;
	const struct lab_counters *both[] = {&threads, &processes};
	struct lab_table *table;
	struct lab_bars *parts;
	double ratio, ratios[9];
	int above = 0;

	shared = lab_shared(sizeof(*shared));
	working_set =
	    mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (working_set == MAP_FAILED)
		lab_die("mmap: %s", strerror(errno));
	memset(working_set, 1, PAGES * PAGE);
	lab_pin(0);
	call = best_of(null_call);
	alone = best_of(yield_alone);
	fpu = best_of(fpu_save_restore);
	warm = best_of(look_at_all) / PAGES;
	for (int n = 0; n < 3; n++)
		for (int s = 0; s < 3; s++) {
			lab_progress("measuring", n * 3 + s, 9);
			lab_load_look();
			compare(numbers[n], sets[s], cycles[n][s]);
		}
	lab_counters(&before);
	turn_cycles(THREADS, 2, 0);
	threads = lab_counters_since(&before);
	lab_counters(&before);
	turn_cycles(PROCESSES, 2, 0);
	processes = lab_counters_since(&before);
	lab_pin(-1);

	table = lab_table("Cycles of one turn: sched_yield() and the switch, one CPU",
			  ">participants|>pages read|>threads|>processes|>ratio");
	for (int n = 0; n < 3; n++)
		for (int s = 0; s < 3; s++) {
			double *c = cycles[n][s];

			lab_row(table, "%d|%d|%.0f|%.0f|%.2f", numbers[n], sets[s], c[THREADS],
				c[PROCESSES], c[PROCESSES] / c[THREADS]);
		}
	extra = (cycles[0][2][PROCESSES] - cycles[0][0][PROCESSES]) / PAGES - warm;
	parts = lab_parts("The parts of a turn, with two participants",
			  cycles[0][0][PROCESSES] > cycles[0][0][THREADS] ? cycles[0][0][PROCESSES]
									  : cycles[0][0][THREADS],
			  "cycles");
	lab_part(parts, call, "the system call");
	lab_part(parts, alone - call, "the scheduler's decision");
	lab_part(parts, cycles[0][0][THREADS] - alone, "saving, restoring, queueing");
	lab_part(parts, cycles[0][0][PROCESSES] - cycles[0][0][THREADS], "the page-table root");
	lab_note(
	    "The call: getppid(). The decision: sched_yield() with no other thread, minus the "
	    "call. Saving, restoring, queueing: a turn of a thread, minus both; FXSAVE and "
	    "FXRSTOR alone take %.0f cycles here. The root: a turn of a process, minus that of "
	    "a thread.",
	    fpu);
	if (extra > 0)
		lab_note(
		    "Address translation: after a switch of processes the first read of a page "
		    "takes %.1f cycles longer than a later one.",
		    extra);
	else
		lab_left_out("The cost of address translation after a switch",
			     "CANNOT BE SHOWN HERE: the measured difference is smaller than the "
			     "noise");
	if (threads.switches_root == UINT64_MAX) {
		lab_left_out("Switches with and without a new page-table root",
			     "only Heddle has these counters");
	} else {
		table = lab_table("Counted by the kernel, two participants",
				  "|>switches|>with a new page-table root|>percent");
		for (int kind = 0; kind < 2; kind++) {
			roots[kind] =
			    100.0 * both[kind]->switches_root / (both[kind]->switches + 1);
			lab_row(table, "%s|%llu|%llu|%.1f",
				kind == THREADS ? "threads" : "processes",
				(unsigned long long)both[kind]->switches,
				(unsigned long long)both[kind]->switches_root, roots[kind]);
		}
		lab_check_at_most(roots[THREADS], 25, "%",
				  "switches between threads with a new page-table root");
		lab_check_at_least(roots[PROCESSES], 50, "%",
				   "switches between processes with a new page-table root");
	}
	for (int i = 0; i < 9; i++) {
		ratios[i] = cycles[i / 3][i % 3][PROCESSES] / cycles[i / 3][i % 3][THREADS];
		above += ratios[i] > 1;
	}
	ratio = lab_median(ratios, 9); /* one of them alone may be disturbed */
	lab_figure("thread_turn_cycles", cycles[0][0][THREADS], "cycles",
		   "a turn between two threads");
	lab_figure("process_turn_cycles", cycles[0][0][PROCESSES], "cycles",
		   "a turn between two processes");
	lab_figure("process_to_thread", ratio, "times",
		   "turn of a process over turn of a thread, median");
	lab_figure("process_to_thread_64_pages", cycles[0][2][PROCESSES] / cycles[0][2][THREADS],
		   "times", "the same, with 64 pages read in each turn");
	lab_check_time_at_least(above, 8, "ratios",
				"of the nine ratios in the table, those above 1");
	lab_check_time_at_least(ratio, 1.1, "times",
				"a turn between processes, against threads: the median of the nine "
				"ratios");
	if (lab_checks_failed() == 0)
		lab_verdict(
		    LAB_CORRECTED,
		    "In the median a turn between processes takes %.2f times as long as one "
		    "between threads. Both enter the kernel in the same way; the difference is the "
		    "page-table root, and the TLB entries that its change discards. A system call "
		    "(%.0f cycles) is not a switch.",
		    ratio, call);
	else
		lab_verdict(
		    LAB_FALSE,
		    "In the median a turn between processes takes %.2f times as long as one "
		    "between threads: the page-table root did not change, or changing it "
		    "costs nothing here.",
		    ratio);
}

static const struct lab_knob knobs[] = {
    {"share-space", NULL, "the processes share one address space (clone() with CLONE_VM)"},
    {0},
};

const struct lab lab = {
    .name = "switching",
    .claim = "A context switch between processes costs more than one between threads of a process.",
    .loose =
	"Both enter the kernel and save the same registers. The difference is the page-table root, "
	"and the TLB and cache entries that its change makes useless. And a system call is not a "
	"context switch.",
    .predict =
	{.question = "What does a switch between processes do that one between threads does not?",
	 .choices = {"enter the kernel", "save the registers", "load another page-table root",
		     "choose the next thread"},
	 .answer = 2,
	 .why =
	     "All other steps are the same for both; the kernel counts the changes of the root."},
    .knobs = knobs,
    .expect = LAB_CORRECTED,
    .books = "Pinned to one CPU 1.3 us between processes, 1.1 us between threads (Tsuna 2010); "
	     "direct cost 3.8 us (Li, Ding, Shen 2007); Solaris 5 times (Silberschatz).",
    .sources =
	"arch/x86_64/cpu/switch.S context_switch(), kernel/task/sched.c switch_machine_state()",
    .tour = "switch",
    .run = run,
};
