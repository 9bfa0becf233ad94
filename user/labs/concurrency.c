/* SPDX-License-Identifier: MIT
 *
 * Several threads on one CPU make progress by switching; the CPU runs one of them at a time.
 *
 * Each thread works in small pieces, reads the clock after each piece, and writes down that it was
 * here.  If a piece took much longer than usual, and another thread was here meanwhile, the thread
 * was preempted and another thread ran.  So each thread finds out by itself in which intervals it
 * ran, on any system.  The piece in which it was preempted belongs to no interval: the thread does
 * not know when in this piece the other began.  So these intervals show that no two overlap, and
 * the CPU time of the kernel shows their sum.  If the system has a scheduler trace, the lab
 * shows that too.
 */
#include "lab.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define THREADS	  4
#define STRETCHES 1024
#define PIECE_NS  100000		    /* one piece of work */
#define GAP_NS	  (PIECE_NS + PIECE_NS / 3) /* longer: another thread may have run in between */

struct stretch {
	uint64_t start, end;
	int worker;
};

static struct worker {
	pid_t tid;
	int pieces, count;
	int turns;	 /* found by look() */
	uint64_t cpu_ns; /* CPU time counted by the kernel */
	struct stretch ran[STRETCHES];
} workers[THREADS];

static pthread_barrier_t start_line;
static uint64_t piece_rounds;
static int last_here; /* the worker that completed a piece last */

static void *work(void *arg)
{
	struct worker *me = arg;
	struct timespec cpu;
	uint64_t now, last;
	/* Another thread was here in the previous piece: this thread can be preempted between the
	 * clock and the note. */
	bool met_before = false;

	me->tid = gettid();
	me->count = 0;
	pthread_barrier_wait(&start_line);
	last = lab_now_ns();
	me->ran[0] = (struct stretch){last, last, me - workers};
	for (int i = 0; i < me->pieces; i++) {
		int here;
		bool met;

		lab_spin(piece_rounds);
		now = lab_now_ns();
		here = __atomic_exchange_n(&last_here, (int)(me - workers), __ATOMIC_SEQ_CST);
		met = here != me - workers;
		if (now - last > GAP_NS && (met || met_before) && me->count < STRETCHES - 1)
			me->ran[++me->count] = (struct stretch){now, now, me - workers};
		else
			me->ran[me->count].end = now;
		last = now;
		met_before = met;
	}
	me->count++;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
	me->cpu_ns = cpu.tv_sec * 1000000000ull + cpu.tv_nsec;
	return NULL;
}

struct result {
	uint64_t whole_ns;    /* from the first start to the last end */
	uint64_t seen_ns;     /* sum of all stretches */
	uint64_t together_ns; /* time in which two or more threads ran */
	uint64_t cpu_ns;
	int turns, fewest; /* consecutive stretches of one thread are one turn */
};

static int by_start(const void *a, const void *b)
{
	const struct stretch *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

static struct result look(void)
{
	static struct stretch all[THREADS * STRETCHES];
	struct result r = {.fewest = STRETCHES};
	uint64_t end = 0;
	int n = 0, last = -1;

	for (int i = 0; i < THREADS; i++) {
		workers[i].turns = 0;
		for (int s = 0; s < workers[i].count; s++)
			all[n++] = workers[i].ran[s];
		r.cpu_ns += workers[i].cpu_ns;
	}
	qsort(all, n, sizeof(*all), by_start);
	for (int i = 0; i < n; i++) {
		uint64_t length = all[i].end - all[i].start;

		r.seen_ns += length;
		if (all[i].start < end)
			r.together_ns += (all[i].end < end ? all[i].end : end) - all[i].start;
		if (all[i].end > end)
			end = all[i].end;
		if (all[i].worker != last) {
			last = all[i].worker;
			workers[last].turns++;
			r.turns++;
		}
	}
	for (int i = 0; i < THREADS; i++)
		if (workers[i].turns < r.fewest)
			r.fewest = workers[i].turns;
	r.whole_ns = end - all[0].start;
	return r;
}

/* Runs the four threads once, on one CPU or on all.  `in_turn`: each starts when the previous one
 * has ended. */
static struct result round_of_work(bool one_cpu, bool in_turn, struct lab_trace **trace)
{
	pthread_t threads[THREADS];

	pthread_barrier_init(&start_line, NULL, in_turn ? 1 : THREADS);
	if (one_cpu)
		lab_pin(0); /* new threads inherit the affinity */
	if (trace)
		lab_trace_begin();
	for (int i = 0; i < THREADS; i++) {
		char name[16];

		workers[i].pieces = lab_pick(1000, 600);
		snprintf(name, sizeof(name), "worker%d", i);
		threads[i] = lab_thread(name, work, &workers[i]);
		if (in_turn)
			pthread_join(threads[i], NULL);
	}
	for (int i = 0; i < THREADS && !in_turn; i++)
		pthread_join(threads[i], NULL);
	if (trace)
		*trace = lab_trace_end();
	lab_pin(-1);
	pthread_barrier_destroy(&start_line);
	return look();
}

static double percent_together(const struct result *r)
{
	return 100.0 * r->together_ns / r->whole_ns;
}

static void result_row(struct lab_table *table, const char *where, const struct result *r)
{
	lab_row(table, "%s|%d|%.0f ms|%.0f ms|%.1f %%|%.2f|%.1f %%", where, r->turns,
		r->whole_ns / 1e6, r->cpu_ns / 1e6, 100.0 * r->cpu_ns / r->whole_ns,
		(double)r->cpu_ns / r->whole_ns, percent_together(r));
}

static void show_trace(struct lab_trace *trace, const pid_t *tids, bool one_cpu)
{
	if (!trace) {
		lab_left_out("The scheduler's own timeline",
			     "this system has no trace, or this user may not read it");
		return;
	}
	lab_timeline(trace, one_cpu ? "Four threads, one CPU" : "Four threads, all CPUs");
	lab_note(
	    "The scheduler's trace says: these threads followed each other %d times, and two of "
	    "them ran at the same time for %.2f ms.",
	    lab_trace_switches(trace, tids, THREADS),
	    lab_trace_overlap(trace, tids, THREADS) / 1e6);
}

static void run(void)
{
	bool one_cpu = !lab_knob("all-cpus"), in_turn = lab_knob("in-turn");
	struct lab_trace *trace = NULL;
	struct result one, all = {0};
	uint64_t zero = UINT64_MAX;
	pid_t tids[THREADS];
	struct lab_table *table;
	bool alone, by_turns;

	piece_rounds = lab_spin_rounds(PIECE_NS);
	one = round_of_work(one_cpu, in_turn, &trace);
	table = lab_table("What each thread measured: the intervals in which it ran",
			  "thread|>TID|>turns|>whole pieces|>CPU time|>first|>last");
	for (int i = 0; i < THREADS; i++)
		if (workers[i].ran[0].start < zero)
			zero = workers[i].ran[0].start;
	for (int i = 0; i < THREADS; i++) {
		struct worker *w = &workers[i];
		uint64_t ran = 0;

		for (int s = 0; s < w->count; s++)
			ran += w->ran[s].end - w->ran[s].start;
		tids[i] = w->tid;
		lab_row(table, "%c|%d|%d|%.1f ms|%.1f ms|%.1f ms|%.1f ms",
			lab_letter(w->tid, "worker"), w->tid, w->turns, ran / 1e6, w->cpu_ns / 1e6,
			(w->ran[0].start - zero) / 1e6, (w->ran[w->count - 1].end - zero) / 1e6);
	}
	show_trace(trace, tids, one_cpu);
	lab_load_look();
	if (lab_options.cpus > 1)
		all = round_of_work(false, false, NULL);

	table = lab_table(
	    "The sum of the parts, and the whole time",
	    "where|>turns|>whole|>sum of the parts|>of the whole|>CPUs used|>two at once");
	result_row(table, one_cpu ? "one CPU" : "all CPUs (--all-cpus)", &one);
	if (lab_options.cpus > 1)
		result_row(table, "all CPUs", &all);
	else
		lab_left_out("The same on several CPUs", "this lab may use only one CPU");

	lab_note(
	    "The parts are the CPU times of the threads, counted by the kernel. Whole pieces: "
	    "what a thread saw of itself, %.0f ms in all; a piece in which it was preempted is "
	    "not counted, nor is a turn without a whole piece. So 'two at once', which is found "
	    "from these pieces, is the least that "
	    "it can be.%s",
	    one.seen_ns / 1e6,
	    lab_options.on_heddle ? "" : " Other programs of this system had the rest of the CPU.");

	/* A stretch ends with the last complete piece, so two stretches never overlap by mistake.
	 */
	alone = lab_check_at_most(percent_together(&one), 0.1, "%",
				  "of the whole time two of the threads ran at the same time");
	alone &= lab_check_at_most(100.0 * one.cpu_ns / one.whole_ns, 105, "%",
				   "the sum of the threads' CPU times, of the whole time");
	if (lab_options.on_heddle) /* on Linux other programs run too */
		lab_check_at_least(100.0 * one.cpu_ns / one.whole_ns, 90, "%",
				   "the same sum: the parts make up the whole");
	by_turns =
	    lab_check_at_least(one.fewest, 2, "turns", "turns of the thread that had the fewest");
	lab_figure("cpus_used_on_one", (double)one.cpu_ns / one.whole_ns, "CPUs",
		   "CPU time of four threads on one CPU / whole time");
	lab_figure("turns", one.turns, "", "turns of four threads on one CPU");
	if (lab_options.cpus > 1)
		lab_figure("cpus_used_on_all", (double)all.cpu_ns / all.whole_ns, "CPUs",
			   "the same on all CPUs");
	if (!alone)
		lab_verdict(
		    LAB_FALSE,
		    "Threads ran at the same time: %.1f ms of %.1f. Together they used %.2f "
		    "CPUs.",
		    one.together_ns / 1e6, one.whole_ns / 1e6, (double)one.cpu_ns / one.whole_ns);
	else if (!by_turns)
		lab_verdict(LAB_FALSE, "Only one thread ran at a time, but without switching: each "
				       "thread ended before "
				       "the next one began.");
	else
		lab_verdict(
		    LAB_CORRECTED,
		    "On one CPU four threads took %d turns, and never two at once. The rule "
		    "is one thread for each logical CPU, not for each core: a core with SMT "
		    "has two logical CPUs.",
		    one.turns);
}

static const struct lab_knob knobs[] = {
    {"all-cpus", NULL, "the threads may use every CPU: they run at the same time"},
    {"in-turn", NULL, "each thread starts when the previous one has ended: no switching"},
    {0},
};

const struct lab lab = {
    .name = "concurrency",
    .claim = "Several threads make progress by switching, but one core runs one thread at a time.",
    .loose = "One logical CPU runs one thread at a time. A core with simultaneous multithreading "
	     "(SMT) has "
	     "two logical CPUs and runs two threads at a time.",
    .predict =
	{.question = "Four threads with the same work share one CPU. When does the first one end?",
	 .choices = {"after a quarter of the time", "after about half",
		     "near the end, like the others"},
	 .answer = 2,
	 .why =
	     "They take turns, one time slice each, so all of them end at nearly the same time."},
    .knobs = knobs,
    .expect = LAB_CORRECTED,
    .books = "\"On a system with a single computing core, concurrency merely means that the "
	     "execution of the threads will be interleaved over time\" (Silberschatz, 4.2).",
    .sources = "kernel/task/sched.c slice_expired(), switch_away()",
    .tour = "switch",
    .run = run,
};
