/* SPDX-License-Identifier: MIT
 *
 * The ledger of one process and of one thread: every page frame, and what it is used for.
 *
 * There are two ways to measure.  The first is the kernel's ledger of a waiting process, with one
 * thread and with two: the difference is the cost of a thread.  The second is the free memory of
 * the machine, before and while many processes or threads wait: it needs no ledger and works on
 * Linux too.
 */
#include "lab.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define LINES 40
#define MOST  256
#define STACK (64 * 1024)

/* Memory that parent and children share. */
static struct shared {
	volatile int ready, over;
	volatile bool second_thread, second_ready;
} * shared;

static void wait_over(void)
{
	__atomic_add_fetch(&shared->ready, 1, __ATOMIC_SEQ_CST);
	while (!shared->over)
		usleep(20000);
}

static int wait_process(void *unused)
{
	(void)unused;
	wait_over();
	return 0;
}

static void *wait_thread(void *unused)
{
	(void)unused;
	wait_over();
	return NULL;
}

/* --- the kernel's ledger ------------------------------------------------------------------------
 */

struct ledger {
	struct {
		char what[32];
		uint64_t frames, bytes;
	} lines[LINES];
	int count;
};

static void keep_line(const char *what, uint64_t frames, uint64_t bytes, void *arg)
{
	struct ledger *l = arg;

	if (l->count == LINES)
		return;
	snprintf(l->lines[l->count].what, sizeof(l->lines[0].what), "%s", what);
	l->lines[l->count].frames = frames;
	l->lines[l->count++].bytes = bytes;
}

static const char *explain(const char *what)
{
	static const char *const words[][2] = {
	    {"page_table_root", "the root of its page tables (CR3)"},
	    {"page_tables", "the other three levels of page tables"},
	    {"anonymous", "stack, heap, and data that it wrote to"},
	    {"anonymous_shared", "shared with its parent; not written to yet"},
	    {"file_private", "code and data as in the program's file"},
	    {"file_shared", "files mapped with MAP_SHARED"},
	    {"shared", "memory mapped with MAP_SHARED"},
	    {"address_space", "struct address_space"},
	    {"regions", "one structure for each range of addresses"},
	    {"kernel_stacks", "the kernel's stack for each thread"},
	    {"struct_thread", "struct thread: what each thread has"},
	    {"fpu_state", "saved floating-point and vector registers"},
	    {"struct_process", "struct process: what its threads share"},
	    {"signal_actions", "what to do at each signal"},
	    {"file_table", "open files"},
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(words[i][0], what) == 0)
			return words[i][1];
	return "";
}

static int process_of_two(void *unused)
{
	pthread_t thread;

	(void)unused;
	__atomic_add_fetch(&shared->ready, 1, __ATOMIC_SEQ_CST);
	while (!shared->second_thread)
		usleep(1000);
	if (pthread_create(&thread, NULL, wait_thread, NULL))
		return 1;
	while (shared->ready < 2)
		usleep(1000);
	shared->second_ready = true;
	pthread_join(thread, NULL);
	return 0;
}

/* Finds the bytes that only this process has (without frames of its parent), and the bytes that a
 * second thread adds. */
static bool ledgers(uint64_t *process, uint64_t *thread)
{
	struct ledger one = {0}, two = {0};
	struct lab_table *table;
	bool known;
	pid_t pid;

	shared->ready = shared->over = 0;
	pid = lab_fork("ledger", process_of_two, NULL);
	while (shared->ready < 1)
		usleep(1000);
	usleep(5000); /* the child now sleeps and touches no more pages */
	known = lab_ledger(pid, keep_line, &one);
	shared->second_thread = true;
	while (!shared->second_ready)
		usleep(1000);
	known &= lab_ledger(pid, keep_line, &two);
	shared->over = 1;
	lab_wait(pid);
	if (!known)
		return false;
	table = lab_table("One waiting process, and what a second thread adds to it",
			  "what|>frames|>bytes|>+ thread|for");
	*process = *thread = 0;
	for (int i = 0; i < one.count && i < two.count; i++) {
		const char *what = one.lines[i].what;
		int64_t more = (int64_t)(two.lines[i].bytes - one.lines[i].bytes);

		lab_row(table, "%s|%llu|%llu|%lld|%s", what,
			(unsigned long long)one.lines[i].frames,
			(unsigned long long)one.lines[i].bytes, (long long)more, explain(what));
		if (strcmp(what, "anonymous_shared") && strcmp(what, "file_private") &&
		    strcmp(what, "file_shared") && strcmp(what, "shared")) {
			*process += one.lines[i].bytes;
			*thread += more > 0 ? more : 0;
		}
	}
	lab_row(table, "total of its own||%llu|%llu|", (unsigned long long)*process,
		(unsigned long long)*thread);
	return true;
}

/* --- the machine's free memory -------------------------------------------------------------------
 */

static int64_t free_kib(void)
{
	uint64_t value = 0;

	usleep(50000); /* the kernel frees the memory of ended threads a little later */
	lab_value("/proc/meminfo", "MemFree", &value);
	return value;
}

static pid_t process_in_this_space(char **stack)
{
	*stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return *stack == MAP_FAILED ? -1
				    : clone(wait_process, *stack + STACK, CLONE_VM | SIGCHLD, NULL);
}

/* Finds the KiB of memory for each of `count` processes and for each of as many threads.  All wait
 * at the same time, because the kernel keeps the kernel stack of an ended thread for the next one.
 */
static void apiece(int count, double *process, double *thread)
{
	static pthread_t threads[MOST];
	static pid_t pids[MOST];
	static char *stacks[MOST];
	bool share = lab_knob("share-space");
	int64_t before, with_processes, with_both;

	shared->ready = shared->over = 0;
	before = free_kib();
	for (int i = 0; i < count; i++) {
		lab_progress("processes", i, count);
		if (!share)
			pids[i] = lab_fork("waits", wait_process, NULL);
		else if ((pids[i] = process_in_this_space(&stacks[i])) < 0)
			lab_die("clone: %s", strerror(errno));
	}
	while (shared->ready < count)
		usleep(1000);
	with_processes = free_kib();
	for (int i = 0; i < count; i++) {
		lab_progress("threads", i, count);
		threads[i] = lab_thread("waits", wait_thread, NULL);
	}
	while (shared->ready < 2 * count)
		usleep(1000);
	with_both = free_kib();
	shared->over = 1;
	for (int i = 0; i < count; i++) {
		pthread_join(threads[i], NULL);
		lab_wait(pids[i]);
		if (share)
			munmap(stacks[i], STACK);
	}
	*process = (double)(before - with_processes) / count;
	*thread = (double)(with_processes - with_both) / count;
}

static void run(void)
{
	int count = lab_pick(200, 60), rounds = lab_options.on_heddle ? 1 : 5;
	double process[5], thread[5], ratio, p, t;
	uint64_t process_bytes, thread_bytes;
	struct lab_bars *bars;
	bool known;

	shared = lab_shared(sizeof(*shared));
	for (int i = 0; i < rounds; i++) /* on Linux other programs change the free memory */
		apiece(count, &process[i], &thread[i]);
	p = lab_median(process, rounds);
	t = lab_median(thread, rounds);
	known = ledgers(&process_bytes, &thread_bytes);

	bars = lab_bars("Free memory that each one took, while many of them waited", "KiB");
	lab_bar(bars, p, "a process%s", lab_knob("share-space") ? " (--share-space)" : "");
	lab_bar(bars, t, "a thread");
	if (!known)
		lab_left_out("The ledger, frame by frame",
			     "only Heddle keeps it (/proc/heddle/PID/ledger)");
	ratio = t > 0.1 ? p / t : 0;
	lab_figure("process_kib", p, "KiB", "free memory that a waiting process takes");
	lab_figure("thread_kib", t, "KiB", "free memory that a waiting thread takes");
	if (known) {
		lab_figure("process_ledger_kib", process_bytes / 1024.0, "KiB",
			   "memory of one process, by the ledger");
		lab_figure("thread_ledger_kib", thread_bytes / 1024.0, "KiB",
			   "memory of one more thread, by the ledger");
		lab_check_at_least(
		    (double)process_bytes / thread_bytes, 2, "times",
		    "by the ledger: the memory of a process, against one more thread");
	}
	/* On a busy machine other programs allocated and freed memory at the same time.  If the
	 * rounds (sorted now) differ so much, they say nothing. */
	if (!known && ratio <= 1.7 &&
	    (thread[0] <= 0.1 || thread[rounds - 1] > 2 * thread[0] ||
	     process[rounds - 1] > 2 * process[0])) {
		lab_verdict(
		    LAB_NOT_SHOWN,
		    "Other programs changed the free memory of this machine too much: in %d "
		    "rounds a process took %.0f to %.0f KiB and a thread %.0f to %.0f KiB.",
		    rounds, process[0], process[rounds - 1], thread[0], thread[rounds - 1]);
		return;
	}
	lab_check_at_least(t, 0.1, "KiB", "free memory that a thread takes");
	lab_check_at_least(ratio, 1.7, "times",
			   "free memory that a process takes, against a thread");
	if (lab_checks_failed() == 0)
		lab_verdict(
		    LAB_TRUE,
		    "A process takes %.0f KiB, a thread %.0f KiB: %.1f times. A thread needs a "
		    "kernel stack, a structure and saved registers. A process needs these too, and "
		    "page tables, and copies of all pages that it writes to.",
		    p, t, ratio);
	else
		lab_verdict(LAB_FALSE, "A process takes %.0f KiB, a thread %.0f KiB.", p, t);
}

static const struct lab_knob knobs[] = {
    {"share-space", NULL, "the processes have no address space of their own (clone(CLONE_VM))"},
    {0},
};

const struct lab lab = {
    .name = "overhead",
    .claim = "Processes have the higher overhead.",
    .loose = "Which overhead? A process also needs an address space: page tables, and a copy of "
	     "every page that it writes to. Everything else a thread needs as well.",
    .predict = {.question = "What is the greatest part of the memory that a small process needs?",
		.choices = {"its kernel stack", "its program's code",
			    "page tables and pages it wrote to", "saved registers"},
		.answer = 2,
		.why = "All processes of the program share the code; a thread has a stack and "
		       "registers too."},
    .knobs = knobs,
    .expect = LAB_TRUE,
    .books = "Creating a thread is 10 to 100 times faster than a process, because a thread has so "
	     "few parts "
	     "(Tanenbaum, 2.2.1).",
    .sources = "kernel/task/thread.h and kernel/task/process.h, side by side; kernel/proc/fork.c",
    .tour = "fork",
    .run = run,
};
