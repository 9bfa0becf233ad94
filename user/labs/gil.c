/* SPDX-License-Identifier: MIT
 *
 * An interpreter with one lock for all its threads, as CPython has: a stack machine of a dozen
 * instructions, whose global lock can be switched on and off.  The same job runs as threads and as
 * processes: with the lock, without it, and with the lock kept or released while a program waits.
 */
#include "lab.h"

#include "user/labs/gil/interpreters.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MOST	4     /* workers */
#define TRIAL	10000 /* rounds of a trial that measures the speed */
#define WAIT_US 10000
#define LOOK	64     /* jumps between two looks at the other workers */
#define AT_ONCE 3      /* per cent of looks: from it on, they run at the same time */
#define HELD	"lock" /* the row of the timeline */
#define WAITS	4      /* waits of each worker in the job that waits */

/* --- the global interpreter lock ----------------------------------------------------------------
 */

static bool gil_on, gil_kept; /* the lock exists; it is kept while a program waits */
static bool one_lock;	      /* the workers share it: not in processes, which have one each */
static long interval_ms = 5;  /* as in sys.getswitchinterval() */

static struct gil {
	pthread_mutex_t mutex;
	pthread_cond_t dropped, changed;
	bool held;
	bool wanted; /* a thread has waited for an interval: the holder should release the lock */
	int last;    /* the thread that has it or had it last */
	unsigned long changes;
} gil;

static void gil_init(void)
{
	pthread_condattr_t attr;

	memset(&gil, 0, sizeof(gil));
	gil.last = -1;
	pthread_mutex_init(&gil.mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&gil.dropped, &attr);
	pthread_cond_init(&gil.changed, &attr);
}

static void gil_take(int me)
{
	pthread_mutex_lock(&gil.mutex);
	while (gil.held) {
		unsigned long before = gil.changes;
		uint64_t until = lab_now_ns() + interval_ms * 1000000;
		struct timespec at = {until / 1000000000, until % 1000000000};

		if (pthread_cond_timedwait(&gil.dropped, &gil.mutex, &at) == ETIMEDOUT &&
		    gil.held && gil.changes == before)
			__atomic_store_n(&gil.wanted, true, __ATOMIC_RELAXED);
	}
	gil.held = true;
	gil.changes += gil.last != me;
	gil.last = me;
	__atomic_store_n(&gil.wanted, false, __ATOMIC_RELAXED);
	pthread_cond_broadcast(&gil.changed);
	pthread_mutex_unlock(&gil.mutex);
	if (one_lock)
		lab_trace_holds(HELD);
}

static void gil_drop(int me)
{
	bool forced;

	if (one_lock)
		lab_trace_releases(HELD);
	pthread_mutex_lock(&gil.mutex);
	forced = gil.wanted;
	gil.held = false;
	pthread_cond_signal(&gil.dropped);
	/* Wait until the thread that asked has the lock: this one is on a CPU and would take it
	 * again. */
	while (forced && gil.last == me)
		pthread_cond_wait(&gil.changed, &gil.mutex);
	pthread_mutex_unlock(&gil.mutex);
}

/* --- the interpreter ----------------------------------------------------------------------------
 */

enum opcode { CONST, LOAD, STORE, ADD, SUB, MUL, MOD, LESS, JUMP, UNLESS, WAIT, HALT };
enum variable { LIMIT, I, SUM, VARIABLES };

struct instruction {
	enum opcode op;
	long arg;
};

/* clang-format off */

/* while i < limit: sum = (sum * 31 + i) % 1000003; i = i + 1 */
static const struct instruction compute[] = {
	/* 0 */ {LOAD, I}, {LOAD, LIMIT}, {LESS, 0}, {UNLESS, 17},
	/* 4 */ {LOAD, SUM}, {CONST, 31}, {MUL, 0}, {LOAD, I}, {ADD, 0}, {CONST, 1000003}, {MOD, 0},
	/* 11 */ {STORE, SUM}, {LOAD, I}, {CONST, 1}, {ADD, 0}, {STORE, I}, {JUMP, 0},
	/* 17 */ {HALT, 0},
};

/* while limit: wait(); limit = limit - 1 */
static const struct instruction waiting[] = {
	/* 0 */ {LOAD, LIMIT}, {UNLESS, 8}, {WAIT, WAIT_US},
	/* 3 */ {LOAD, LIMIT}, {CONST, 1}, {SUB, 0}, {STORE, LIMIT}, {JUMP, 0},
	/* 8 */ {HALT, 0},
};

/* clang-format on */

static struct shared {
	pthread_barrier_t start_line;
	const struct instruction *code;
	long limit;
	int workers;
	int jobs; /* jobs of each worker, one after the other */
	struct worker {
		_Alignas(64) volatile unsigned long jumps; /* the progress of the worker */
		unsigned long looks, moved, others;
		pid_t tid;
		uint64_t start, end;
		long result;
	} worker[MOST];
} * shared;

/* Has another worker interpreted something since this worker's last look?  If they take turns, this
 * is true only at the first look of a turn; if they run at the same time, it is nearly always true.
 */
static void look(struct worker *me)
{
	unsigned long others = 0;

	for (int i = 0; i < shared->workers; i++)
		if (&shared->worker[i] != me)
			others += shared->worker[i].jumps;
	me->looks++;
	me->moved += others != me->others;
	me->others = others;
}

static long interpret(const struct instruction *code, long limit, int me)
{
	long variables[VARIABLES] = {[LIMIT] = limit}, stack[8], *top = stack;
	struct worker *worker = &shared->worker[me];

	if (gil_on)
		gil_take(me);
	for (const struct instruction *at = code;; at++) {
		switch (at->op) {
		case CONST:
			*top++ = at->arg;
			break;
		case LOAD:
			*top++ = variables[at->arg];
			break;
		case STORE:
			variables[at->arg] = *--top;
			break;
		case ADD:
			top--;
			top[-1] += *top;
			break;
		case SUB:
			top--;
			top[-1] -= *top;
			break;
		case MUL:
			top--;
			top[-1] *= *top;
			break;
		case MOD:
			top--;
			top[-1] %= *top;
			break;
		case LESS:
			top--;
			top[-1] = top[-1] < *top;
			break;
		case UNLESS:
			if (!*--top)
				at = code + at->arg - 1;
			break;
		case JUMP: /* backwards: test here if a thread asked for the lock, as CPython does
			    */
			if (gil_on && __atomic_load_n(&gil.wanted, __ATOMIC_RELAXED)) {
				gil_drop(me);
				gil_take(me);
			}
			if (++worker->jumps % LOOK == 0)
				look(worker);
			at = code + at->arg - 1;
			break;
		case WAIT: /* stands for read(), recv(), sleep() */
			if (gil_on && !gil_kept)
				gil_drop(me);
			usleep(at->arg);
			if (gil_on && !gil_kept)
				gil_take(me);
			break;
		case HALT:
			if (gil_on)
				gil_drop(me);
			return variables[SUM];
		}
	}
}

/* --- one job, by several workers ----------------------------------------------------------------
 */

static void work(int number)
{
	struct worker *me = &shared->worker[number];

	me->tid = gettid();
	lab_pin(
	    number); /* a CPU for each: only the lock can prevent that they run at the same time */
	pthread_barrier_wait(&shared->start_line);
	me->start = lab_now_ns();
	for (int i = 0; i < shared->jobs; i++)
		me->result = interpret(shared->code, shared->limit, number);
	me->end = lab_now_ns();
}

static void *work_thread(void *me)
{
	work((int)(intptr_t)me);
	return NULL;
}

static int work_process(void *me)
{
	work((int)(intptr_t)me);
	return 0;
}

enum { IN_TURN, LOCKED, FREE, PROCESSES, WAYS };
enum { WAIT_IN_TURN, WAIT_KEPT, WAIT_RELEASED, WAIT_PROCESSES };

struct way {
	const char *name;
	bool processes, gil, kept;
	int workers, jobs; /* of each worker */
	/* One run, the best of some: all numbers and the trace are of this run. */
	double wall_ms;
	unsigned long looks, moved; /* looks at the others; those that saw progress */
	unsigned long changes;	    /* of the lock's owner */
	pid_t tids[MOST];
	struct lab_trace *trace;
};

static long expected_result;

/* Per cent of the looks that saw progress of another worker. */
static double moved(const struct way *w)
{
	return w->looks ? 100.0 * w->moved / w->looks : 0;
}

/* Can the workers run at the same time? */
static bool is_free(const struct way *w)
{
	return w->processes || !w->gil;
}

/* A busy machine makes a run slower, and takes CPUs from workers that could run at the same time.
 */
static bool better(const struct way *now, const struct way *before, bool computes)
{
	if (!before->wall_ms)
		return true;
	if (computes && is_free(now) && now->workers > 1)
		return moved(now) > moved(before);
	return now->wall_ms < before->wall_ms;
}

static void work_together(const struct way *w)
{
	pthread_t threads[MOST];
	pid_t children[MOST];

	for (intptr_t i = 0; i < w->workers; i++) {
		char name[16];

		snprintf(name, sizeof(name), "%s%d", w->processes ? "process" : "thread", (int)i);
		if (w->processes)
			children[i] = lab_fork(name, work_process, (void *)i);
		else
			threads[i] = lab_thread(name, work_thread, (void *)i);
	}
	for (int i = 0; i < w->workers; i++) {
		if (w->processes)
			lab_wait(children[i]);
		else
			pthread_join(threads[i], NULL);
	}
}

/* Runs the job once, and keeps the run if it is better than the one that *w has. */
static void measure(struct way *w, const struct instruction *code, long limit)
{
	uint64_t start = UINT64_MAX, end = 0;
	pthread_barrierattr_t attr;
	struct way now = *w;

	now.looks = now.moved = 0;
	gil_init();
	gil_on = w->gil;
	gil_kept = w->kept;
	one_lock = w->gil && !w->processes;
	memset(shared->worker, 0, sizeof(shared->worker));
	shared->workers = w->workers;
	shared->code = code;
	shared->limit = limit;
	shared->jobs = w->jobs;
	pthread_barrierattr_init(&attr);
	pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_barrier_init(&shared->start_line, &attr, w->workers);
	lab_load_look_two();
	if (code == compute && w->workers > 1)
		lab_trace_begin();
	work_together(w);
	now.trace = lab_trace_end();
	pthread_barrier_destroy(&shared->start_line);
	for (int i = 0; i < w->workers; i++) {
		const struct worker *worker = &shared->worker[i];

		start = worker->start < start ? worker->start : start;
		end = worker->end > end ? worker->end : end;
		now.looks += worker->looks;
		now.moved += worker->moved;
		now.tids[i] = worker->tid;
		if (code == compute && worker->result != expected_result)
			lab_die("worker %d computed %ld, not %ld", i, worker->result,
				expected_result);
	}
	now.wall_ms = (end - start) / 1e6;
	now.changes = gil.changes;
	if (better(&now, w, code == compute)) {
		lab_trace_free(w->trace);
		*w = now;
	} else {
		lab_trace_free(now.trace);
	}
}

static void show_ways(const char *title, const struct way *ways, bool looked)
{
	struct lab_table *table = lab_table(title, "how|>took|>times as fast|>turns|>saw progress");

	for (int i = 0; i < WAYS; i++) {
		char changes[32] = "-", seen[32] = "-";

		if (!is_free(&ways[i]))
			snprintf(changes, sizeof(changes), "%lu", ways[i].changes);
		if (looked && ways[i].workers > 1)
			snprintf(seen, sizeof(seen), "%.1f %%", moved(&ways[i]));
		lab_row(table, "%s|%.0f ms|%.2f|%s|%s", ways[i].name, ways[i].wall_ms,
			ways[0].wall_ms / ways[i].wall_ms, changes, seen);
	}
}

static void show_trace(struct way *w)
{
	double length, both;
	char title[80];

	snprintf(title, sizeof(title), "The job computes: %s", w->name);
	if (!w->trace) {
		lab_left_out(title, "this system has no trace, or this user may not read it");
		return;
	}
	length = lab_trace_length(w->trace) / 1e6;
	both = lab_trace_overlap(w->trace, w->tids, w->workers) / 1e6;
	lab_timeline(w->trace, title);
	if (is_free(w)) {
		lab_note("This is the run of the table. The scheduler had two of them on CPUs at "
			 "the same time for %.1f ms of %.1f.",
			 both, length);
		return;
	}
	lab_note(
	    "This is the run of the table. The row '%s' shows which thread held the lock: "
	    "for %.1f ms of %.1f one of them held it. The scheduler had two of them on CPUs at "
	    "the same time for %.1f ms: a thread that waits wakes up to ask for the lock, and "
	    "the kernel cannot see that the host takes a CPU away from a virtual machine.",
	    HELD, lab_trace_held(w->trace, HELD, 1) / 1e6, length, both);
	lab_check_equals(lab_trace_held(w->trace, HELD, 2) / 1e6, 0, "ms",
			 "time in which two threads held the lock, by the trace");
}

static void run(void)
{
	bool gil_here = !lab_knob("no-gil"), keep = lab_knob("hold-io");
	int n = lab_options.cpus < 2 ? 2 : lab_options.cpus < MOST ? lab_options.cpus : MOST;
	struct way ways[WAYS] = {
	    [IN_TURN] = {.name = "one thread, all jobs", .gil = true, .workers = 1, .jobs = n},
	    [LOCKED] = {.name = gil_here ? "threads, with the lock" : "threads, no lock (--no-gil)",
			.gil = gil_here,
			.workers = n,
			.jobs = 1},
	    [FREE] = {.name = "threads, without the lock", .workers = n, .jobs = 1},
	    [PROCESSES] = {.name = "processes, each its own lock",
			   .processes = true,
			   .gil = true,
			   .workers = n,
			   .jobs = 1},
	};
	struct way waits[WAYS] = {
	    [WAIT_IN_TURN] = {.name = "one thread, all jobs",
			      .gil = true,
			      .workers = 1,
			      .jobs = MOST},
	    [WAIT_KEPT] = {.name = "threads, lock kept",
			   .gil = gil_here,
			   .kept = true,
			   .workers = MOST,
			   .jobs = 1},
	    [WAIT_RELEASED] = {.name =
				   keep ? "threads, kept (--hold-io)" : "threads, lock released",
			       .gil = gil_here,
			       .kept = keep,
			       .workers = MOST,
			       .jobs = 1},
	    [WAIT_PROCESSES] = {.name = "processes, each its own lock",
				.processes = true,
				.gil = true,
				.kept = true,
				.workers = MOST,
				.jobs = 1},
	};
	double released, kept, locked, without, processes;
	bool in_turns, overlap, wait_overlap;
	long limit = 0;

	if (lab_knob("interval"))
		interval_ms = atol(lab_knob("interval")) > 0 ? atol(lab_knob("interval")) : 1;
	shared = lab_shared(sizeof(*shared));
	for (int i = 0; i < 5; i++) { /* take the fastest: a disturbance only adds time */
		uint64_t start = lab_now_ns(), ns;

		interpret(compute, TRIAL, 0);
		ns = lab_now_ns() - start;
		if (!limit || (uint64_t)lab_pick(100, 50) * 1000000 / ns * TRIAL > (uint64_t)limit)
			limit = (uint64_t)lab_pick(100, 50) * 1000000 / ns * TRIAL;
	}
	expected_result = interpret(compute, limit, 0);
	for (int round = 0, rounds = lab_pick(4, 3); round < rounds; round++) {
		lab_progress("rounds", round, rounds);
		for (int i = 0; i < WAYS; i++)
			measure(&ways[i], compute, limit);
	}
	/* Measure again if nothing overlapped: the machine may have been busy. */
	for (int round = 0; round < 20 && lab_options.cpus > 1; round++)
		for (int i = LOCKED; i < WAYS; i++)
			if (moved(&ways[i]) < AT_ONCE && is_free(&ways[i]))
				measure(&ways[i], compute, limit);
	for (int round = 0, rounds = keep ? 3 : 8;
	     round < rounds && waits[WAIT_IN_TURN].wall_ms <= 2.5 * waits[WAIT_RELEASED].wall_ms;
	     round++)
		for (int i = 0; i < WAYS; i++)
			measure(&waits[i], waiting, WAITS);

	show_ways("The job computes", ways, true);
	show_trace(&ways[LOCKED]);
	show_trace(&ways[FREE]);
	show_trace(&ways[PROCESSES]);
	show_ways("The job waits, like for a disk or the network", waits, false);
	lab_note(
	    "Saw progress: every %d jumps a worker looks at the others; the column shows in how "
	    "many of these looks another worker had interpreted something since the last "
	    "look. A thread that waits for the lock asks for it after %ld ms; the holder "
	    "releases it at its next backward jump.",
	    LOOK, interval_ms);

	locked = moved(&ways[LOCKED]);
	without = moved(&ways[FREE]);
	processes = moved(&ways[PROCESSES]);
	kept = waits[WAIT_IN_TURN].wall_ms / waits[WAIT_KEPT].wall_ms;
	released = waits[WAIT_IN_TURN].wall_ms / waits[WAIT_RELEASED].wall_ms;
	lab_figure("speedup_gil", ways[IN_TURN].wall_ms / ways[LOCKED].wall_ms, "times",
		   gil_here ? "threads that compute, with the lock" : ways[LOCKED].name);
	lab_figure("speedup_no_gil", ways[IN_TURN].wall_ms / ways[FREE].wall_ms, "times",
		   "threads that compute, without the lock");
	lab_figure("speedup_processes", ways[IN_TURN].wall_ms / ways[PROCESSES].wall_ms, "times",
		   "processes that compute");
	lab_figure("speedup_waiting", released, "times",
		   "threads that wait, with the lock released");
	in_turns = lab_check_at_most(
	    (double)ways[LOCKED].moved / (ways[LOCKED].changes ? ways[LOCKED].changes : 1), 1, "",
	    "looks that saw progress, in each turn: %s", ways[LOCKED].name);
	if (gil_here) {
		lab_check_time_at_least(ways[LOCKED].changes, n + 1, "",
					"turns of %d threads with the lock", n);
		lab_check_time_at_most(kept, 1.5, "",
				       "waiting threads that keep the lock: times as fast as one");
	}
	wait_overlap = lab_check_time_at_least(
	    released, 2, "", "waiting threads that release the lock: times as fast as one");
	overlap = lab_options.cpus > 1;
	if (overlap) {
		overlap &= lab_check_time_at_least(
		    without, AT_ONCE, "%", "looks that saw progress, in threads without the lock");
		overlap &= lab_check_time_at_least(processes, AT_ONCE, "%",
						   "looks that saw progress, in processes");
	}
	lab_pin(-1);
	if (gil_here && !keep) /* a knob changes the model only */
		run_interpreters();

	if (lab_options.cpus < 2)
		lab_verdict(
		    LAB_NOT_SHOWN,
		    "One CPU runs one thread at a time, with the lock or without it. Only the "
		    "waiting can be shown here: %d threads were %.1f times as fast as one.",
		    MOST, released);
	else if (!in_turns)
		lab_verdict(
		    LAB_FALSE,
		    "The interpreter's threads are parallel: %.1f %% of the looks saw progress of "
		    "another thread%s.",
		    locked, gil_here ? "" : ". So are Java's threads: they have no such lock");
	else if (!overlap)
		lab_verdict(
		    LAB_NOT_SHOWN,
		    "Even without the lock only %.1f %% of the looks saw progress of another "
		    "thread, and %.1f %% in processes: no two CPUs ran at the same time. The host "
		    "or other programs took up to %.0f %% of the CPU time.",
		    without, processes, lab_load());
	else if (!wait_overlap)
		lab_verdict(keep ? LAB_TRUE : LAB_FALSE,
			    "With the lock threads compute in turns, without it at the same time. "
			    "The waiting did not overlap either: %.2f times as fast.",
			    released);
	else
		lab_verdict(
		    LAB_CORRECTED,
		    "When they computed, %d threads with the lock took turns (%.1f %% of looks saw "
		    "progress; %.1f %% without the lock, %.1f %% in processes). This is true for "
		    "bytecode under the default interpreter. Blocking calls release the lock: %d "
		    "waiting threads were %.1f times as fast as one. And there are builds without "
		    "the lock (PEP 703).",
		    n, locked, without, processes, MOST, released);
}

static const struct lab_knob knobs[] = {
    {"no-gil", NULL, "the interpreter has no lock: its threads are parallel"},
    {"hold-io", NULL, "the lock is kept while a program waits: the waiting does not overlap"},
    {"interval", "MS", "the time after which a thread asks for the lock, instead of 5"},
    {0},
};

const struct lab lab = {
    .name = "gil",
    .claim = "Python's threads are concurrent only, Java's parallel; Python uses several processes "
	     "instead.",
    .loose = "This is true for bytecode under the default interpreter. Its lock is released in "
	     "blocking calls, and there are builds without it (PEP 703).",
    .predict =
	{.question = "Four Python threads each wait for a network answer of 10 ms. How long "
		     "does it take?",
	 .choices = {"about 40 ms: one at a time", "about 10 ms"},
	 .answer = 1,
	 .why = "A thread that waits does not interpret: it releases the lock before it waits."},
    .knobs = knobs,
    .expect = LAB_CORRECTED,
    .books =
	"CPython: a waiting thread asks for the lock after 5 ms (sys.setswitchinterval()); PEP "
	"703 makes the lock optional, from version 3.13 on.",
    .sources = "kernel/ipc/futex.c, kernel/task/balance.c choose_cpu()",
    .tour = "futex",
    .run = run,
};
