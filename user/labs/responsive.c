/* SPDX-License-Identifier: MIT
 *
 * A program answers keys while it computes for a long time.  The keys come at moments that are
 * known beforehand.  The computation runs in the thread that answers, in a second thread, in a
 * process, in small pieces between the keys, and in a second thread that holds a lock which the
 * answers need.
 */
#include "lab.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MOST_KEYS 40
#define PIECE_NS  (500 * 1000) /* of the computation that is done in pieces */
#define IN_TIME	  75	       /* per cent of the keys: the program is responsive */
#define LATE	  25	       /* per cent: it is not */
#define FIRST_FILE "/proc/sys/kernel/sched_virtual_rr"
#define FIRST_MS   2 /* a woken thread that goes first has answered by then, as the median */
#define ROUNDS	  5	       /* at most; a busy machine disturbs some of them */

static int keys;
static uint64_t period_ns;
static bool two_cpus; /* the computation has a CPU of its own */

enum way { ONE, THREAD, PROCESS, PIECES, LOCKED, WAYS };

static const char *const way_names[WAYS] = {"one thread does both", "a second thread computes",
					    "a process computes", "one thread, in pieces",
					    "a second thread, same lock"};

/* --- the program --------------------------------------------------------------------------------
 */

static struct shared {
	pthread_barrier_t start_line;
	uint64_t rounds; /* of lab_spin(): the whole computation */
	uint64_t begin_ns, done_ns;
	uint64_t answered_ns[MOST_KEYS];
} * shared;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of what answers and computation need */

static uint64_t due_ns(int key)
{
	return shared->begin_ns + (key + 1) * period_ns;
}

static void begin(void)
{
	shared->begin_ns = lab_now_ns();
}

static void compute_all(void)
{
	lab_spin(shared->rounds);
	shared->done_ns = lab_now_ns();
}

static void answer(int key)
{
	pthread_mutex_lock(&lock);
	shared->answered_ns[key] = lab_now_ns();
	pthread_mutex_unlock(&lock);
}

/* Waits for each key and answers it.  A key that came earlier is answered at once. */
static void answer_keys(void)
{
	for (int key = 0; key < keys; key++) {
		uint64_t due = due_ns(key);
		struct timespec at = {due / 1000000000, due % 1000000000};

		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
			;
		answer(key);
	}
}

/* After each piece of the computation answers the keys that came. */
static void compute_in_pieces(void)
{
	uint64_t piece = lab_spin_rounds(PIECE_NS);
	int key = 0;

	for (uint64_t left = shared->rounds; left > 0;) {
		uint64_t now = piece < left ? piece : left;

		lab_spin(now);
		left -= now;
		while (key < keys && lab_now_ns() >= due_ns(key))
			answer(key++);
	}
	shared->done_ns = lab_now_ns();
	for (; key < keys; key++)
		shared->answered_ns[key] = UINT64_MAX;
}

/* The computer begins first: it has the lock before the first key comes. */
static void *computer_thread(void *locked)
{
	if (locked) {
		pthread_mutex_lock(&lock);
		lab_trace_holds("lock");
	}
	lab_pin(two_cpus ? 1 : 0);
	pthread_barrier_wait(&shared->start_line);
	compute_all();
	if (locked) {
		lab_trace_releases("lock");
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

static int computer_process(void *unused)
{
	computer_thread(unused);
	return 0;
}

/* --- one run ------------------------------------------------------------------------------------
 */

struct result {
	int came, in_time; /* keys that came while it computed, and those answered meanwhile */
	double median_ms, worst_ms; /* from the key to its answer */
	int classes[4];		    /* answers within 1 ms, 10 ms, 100 ms, and later */
	struct lab_trace *trace;
};

static const char *knob_way; /* what the knobs make of the second thread */

static void run_way(enum way way)
{
	pthread_barrierattr_t attr;
	pthread_t thread;
	pid_t pid;

	pthread_barrierattr_init(&attr);
	pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_barrier_init(&shared->start_line, &attr, 2);
	if (way == ONE) {
		begin();
		compute_all();
		answer_keys();
	} else if (way == PIECES) {
		begin();
		compute_in_pieces();
	} else if (way == PROCESS) {
		pid = lab_fork("computes", computer_process, NULL);
		pthread_barrier_wait(&shared->start_line);
		begin();
		answer_keys();
		lab_wait(pid);
	} else {
		thread = lab_thread("computes", computer_thread, way == LOCKED ? shared : NULL);
		pthread_barrier_wait(&shared->start_line);
		begin();
		answer_keys();
		pthread_join(thread, NULL);
	}
	pthread_barrier_destroy(&shared->start_line);
}

static struct result measure(enum way way, bool traced)
{
	struct result r = {0};
	double sorted[MOST_KEYS];
	uint64_t rounds = shared->rounds;

	memset(shared, 0, sizeof(*shared));
	shared->rounds = rounds;
	if (traced)
		lab_trace_begin();
	run_way(way);
	if (traced)
		r.trace = lab_trace_end();
	for (int key = 0; key < keys && due_ns(key) < shared->done_ns; key++) {
		uint64_t at = shared->answered_ns[key];
		double ms = (at - due_ns(key)) / 1e6;

		if (at == UINT64_MAX) /* it came in the last piece */
			continue;
		r.classes[ms <= 1 ? 0 : ms <= 10 ? 1 : ms <= 100 ? 2 : 3]++;
		r.worst_ms = ms > r.worst_ms ? ms : r.worst_ms;
		r.in_time += at < shared->done_ns;
		sorted[r.came++] = ms;
	}
	r.median_ms = lab_median(sorted, r.came);
	return r;
}

/* The part of the keys that was answered while the computation ran. */
static double part(const struct result *r)
{
	return r->came ? (double)r->in_time / r->came : 0;
}

/* --- evidence -----------------------------------------------------------------------------------
 */

static const char *name_of(int way)
{
	return way == THREAD && knob_way ? knob_way : way_names[way];
}

static void show(const char *title, const struct result *results)
{
	struct lab_table *table =
	    lab_table(title, "how|>keys|>answered meanwhile|>median|>longest");

	for (int way = 0; way < WAYS; way++)
		lab_row(table, "%s|%d|%d|%.1f ms|%.1f ms", name_of(way), results[way].came,
			results[way].in_time, results[way].median_ms, results[way].worst_ms);
}

static void show_classes(const char *title, const struct result *results)
{
	struct lab_table *table = lab_table(title, "how|>to 1 ms|>to 10 ms|>to 100 ms|>later");

	for (int way = 0; way < WAYS; way++) {
		const int *n = results[way].classes;

		lab_row(table, "%s|%d|%d|%d|%d", name_of(way), n[0], n[1], n[2], n[3]);
	}
}

static void show_trace(const struct result *r, const char *title)
{
	if (r->trace)
		lab_timeline(r->trace, title);
	else
		lab_left_out(title, "this system has no trace, or this user may not read it");
}

/* --- the lab ------------------------------------------------------------------------------------
 */

static enum way second_thread(void)
{
	return lab_knob("one-thread") ? ONE : lab_knob("same-lock") ? LOCKED : THREAD;
}

/* Is this round as it is expected without a knob?  Otherwise it is repeated: another program may
 * have had the CPUs. */
static bool clear(const struct result *r)
{
	return 100 * part(&r[THREAD]) > IN_TIME && 100 * part(&r[PROCESS]) > IN_TIME &&
	       100 * part(&r[PIECES]) > IN_TIME && 100 * part(&r[ONE]) < LATE &&
	       100 * part(&r[LOCKED]) < LATE && r[THREAD].came >= keys / 2 &&
	       r[ONE].median_ms > 4 * r[THREAD].median_ms;
}

static void measure_all(struct result *results, const char *what)
{
	two_cpus = strcmp(what, "two CPUs") == 0;
	for (int round = 0; round < ROUNDS; round++) {
		for (int way = 0; way < WAYS; way++) {
			lab_progress(what, way, WAYS);
			if (results[way].trace)
				lab_trace_free(results[way].trace);
			results[way] = measure(way == THREAD ? second_thread() : (enum way)way,
					       way != PROCESS && way != PIECES);
		}
		if (clear(results) || knob_way)
			return;
	}
}

static void judge(const struct result *r)
{
	bool others;

	lab_check_at_most(100 * part(&r[ONE]), LATE, "%", "one thread: keys answered meanwhile");
	lab_check_at_least(100 * part(&r[THREAD]), IN_TIME, "%", "%s: keys answered meanwhile",
			   name_of(THREAD));
	lab_check_at_least(r[ONE].median_ms / r[THREAD].median_ms, 3, "times",
			   "the median answer of one thread, compared with that");
	if (lab_knob("round-robin")) /* asked then only: a busy machine has late answers, too */
		lab_check_at_most(r[THREAD].median_ms, FIRST_MS, "ms", "%s: the median answer",
				  name_of(THREAD));
	others = lab_check_at_least(100 * part(&r[PROCESS]), IN_TIME, "%",
				    "a process computes: keys answered meanwhile");
	others &= lab_check_at_least(100 * part(&r[PIECES]), IN_TIME, "%",
				     "computed in pieces: keys answered meanwhile");
	lab_check_at_most(100 * part(&r[LOCKED]), LATE, "%",
			  "the second thread holds a lock: keys answered meanwhile");
	if (!knob_way && !others)
		lab_verdict(
		    LAB_NOT_SHOWN,
		    "In %d rounds a process answered only %d of %d keys in time, pieces %d of "
		    "%d: other programs need this CPU now.",
		    ROUNDS, r[PROCESS].in_time, r[PROCESS].came, r[PIECES].in_time, r[PIECES].came);
	else if (lab_checks_failed() == 0)
		lab_verdict(
		    LAB_CORRECTED,
		    "On one CPU %d of %d keys were answered while a second thread computed, "
		    "and %d of %d with one thread. But a process that computes does as well "
		    "(%d of %d), and one thread that computes in pieces (%d of %d). With a "
		    "lock that both need: %d of %d. What counts is that the thread which "
		    "answers does not have to wait.",
		    r[THREAD].in_time, r[THREAD].came, r[ONE].in_time, r[ONE].came,
		    r[PROCESS].in_time, r[PROCESS].came, r[PIECES].in_time, r[PIECES].came,
		    r[LOCKED].in_time, r[LOCKED].came);
	else
		lab_verdict(
		    LAB_FALSE,
		    "%d of %d keys were answered while the program computed, the median after "
		    "%.1f ms: the thread that answers had to wait.",
		    r[THREAD].in_time, r[THREAD].came, r[THREAD].median_ms);
}

static void run(void)
{
	static struct result one[WAYS], two[WAYS];

	knob_way = lab_knob("one-thread")    ? "no second thread (--one-thread)"
		   : lab_knob("same-lock")   ? "same lock (--same-lock)"
		   : lab_knob("round-robin") ? "a second thread, round robin"
					     : NULL;
	if (lab_knob("round-robin") && !lab_setting(FIRST_FILE, "0\n"))
		lab_left_out("--round-robin", "this system does not have this setting");
	keys = lab_pick(MOST_KEYS, 20);
	period_ns = lab_pick(15, 12) * 1000 * 1000;
	shared = lab_shared(sizeof(*shared));
	lab_letter(getpid(), "answers");
	/* Longer than the keys take, so that nearly all come while it computes. */
	shared->rounds = lab_spin_rounds((keys + keys / 4) * period_ns);
	lab_pin(0);
	measure_all(one, "one CPU");
	if (lab_options.cpus > 1)
		measure_all(two, "two CPUs");

	show("One CPU: keys that came while it computed, and their answers", one);
	show_classes("One CPU: how long the answers took", one);
	if (lab_options.cpus > 1)
		show("The same, with a second CPU for the computation", two);
	else
		lab_left_out("The same with a second CPU", "this machine has one CPU");
	show_trace(&one[ONE], "One CPU, one thread: it answers when the computation has ended");
	show_trace(&one[LOCKED], "One CPU, the second thread holds a lock that each answer needs");
	show_trace(&one[THREAD], knob_way
				     ? knob_way
				     : "One CPU, two threads: every answer takes the CPU for a "
				       "moment");
	lab_note(
	    "A key comes every %.0f ms. \"Answered meanwhile\" counts answers that came before "
	    "the computation had ended; the times are from the key to its answer. In the "
	    "timeline the row \"first\" names a thread that slept and went before the "
	    "computation. With --round-robin the computation ends its time slice first: an "
	    "answer on one CPU takes up to a slice.",
	    period_ns / 1e6);

	lab_figure("in_time_one_thread", 100 * part(&one[ONE]), "%",
		   "keys answered while one thread computed, too");
	lab_figure("in_time_second_thread", 100 * part(&one[THREAD]), "%",
		   "keys answered while a second thread computed, one CPU");
	lab_figure("in_time_second_process", 100 * part(&one[PROCESS]), "%",
		   "keys answered while a process computed, one CPU");
	lab_figure("median_one_thread_ms", one[ONE].median_ms, "ms",
		   "median wait for an answer, one thread, one CPU");
	lab_figure("median_second_thread_ms", one[THREAD].median_ms, "ms",
		   "median wait for an answer, second thread computes, one CPU");
	lab_figure("median_second_process_ms", one[PROCESS].median_ms, "ms",
		   "median wait for an answer, process computes, one CPU");
	judge(one);
}

static const struct lab_knob knobs[] = {
    {"one-thread", NULL, "there is no second thread: the first one computes, too"},
    {"same-lock", NULL, "the second thread holds a lock that each answer needs"},
    {"round-robin", NULL, "a thread that wakes up waits for its turn (Heddle only)"},
    {0},
};

const struct lab lab = {
    .name = "responsive",
    .claim = "Threads are better for responsive user interfaces.",
    .loose = "The thread that answers must be free when a key comes. A process that computes, or a "
	     "computation in small pieces, does as well. A lock that both need brings the wait "
	     "back.",
    .predict =
	{.question = "A program on ONE CPU computes for half a second. A key comes every 15 "
		     "ms. A second thread does the computing. How many keys are answered "
		     "before the computation ends?",
	 .choices = {"none: there is only one CPU", "about half of them", "nearly all of them"},
	 .answer = 2,
	 .why = "The thread that answers sleeps until a key comes. Then the scheduler takes the "
		"CPU from the computation, which has it most of the time."},
    .knobs = knobs,
    .expect = LAB_CORRECTED,
    .books = "\"Multithreading an interactive application may allow a program to continue running "
	     "even if part of it is blocked or is performing a lengthy operation, thereby "
	     "increasing responsiveness to the user\" (Silberschatz, 4.1.2).",
    .sources = "kernel/task/timer.c, kernel/task/balance.c preempt()",
    .tour = "switch",
    .run = run,
};
