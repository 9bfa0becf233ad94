/* SPDX-License-Identifier: MIT
 *
 * On several CPUs threads, and processes, run at the same time.  The lab measures how much faster 1
 * to N of them finish a fixed amount of computing.  Then it does the same with a lock around each
 * step, and with counters that lie in one cache line.
 */
#include "lab.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CPUS 8
#define MOST (2 * CPUS) /* workers */
#define LINE 64		/* bytes of a cache line */
#define WANTED 1.4	/* the speed-up that shows that two CPUs ran at the same time */

enum job { COMPUTE, LOCKED, FALSE_SHARING, OWN_LINES };

/* Memory shared by the workers, which are threads or processes. */
static struct shared {
	pthread_barrier_t start_line;
	pthread_mutex_t lock;
	enum job job;
	uint64_t rounds; /* for each worker */
	struct {
		uint64_t start, end;
	} ran[MOST];
	pid_t tids[MOST];
	_Alignas(LINE) volatile uint64_t in_one_line[MOST];
	struct {
		_Alignas(LINE) volatile uint64_t value;
	} own_lines[MOST];
} * shared;

static void work(int me)
{
	uint64_t rounds = shared->rounds;

	shared->tids[me] = gettid();
	pthread_barrier_wait(&shared->start_line);
	shared->ran[me].start = lab_now_ns();
	switch (shared->job) {
	case COMPUTE:
		lab_spin(rounds);
		break;
	case LOCKED: /* steps of 20 microseconds, each under the same lock */
		for (uint64_t step = lab_spin_rounds(20000), done = 0; done < rounds;
		     done += step) {
			pthread_mutex_lock(&shared->lock);
			lab_spin(step);
			pthread_mutex_unlock(&shared->lock);
		}
		break;
	case FALSE_SHARING:
		for (uint64_t i = 0; i < rounds / 8; i++)
			shared->in_one_line[me]++;
		break;
	case OWN_LINES:
		for (uint64_t i = 0; i < rounds / 8; i++)
			shared->own_lines[me].value++;
		break;
	}
	shared->ran[me].end = lab_now_ns();
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

/* Returns the seconds for `total` rounds of the job, divided among `count` threads or processes. */
static double measure(enum job job, int count, bool processes, uint64_t total)
{
	pthread_barrierattr_t shared_attr;
	pthread_t threads[MOST];
	pid_t children[MOST];
	uint64_t start = UINT64_MAX, end = 0;

	shared->job = job;
	shared->rounds = total / count;
	pthread_barrierattr_init(&shared_attr);
	pthread_barrierattr_setpshared(&shared_attr, PTHREAD_PROCESS_SHARED);
	pthread_barrier_init(&shared->start_line, &shared_attr, count);
	for (int i = 0; i < count; i++) {
		char name[16];

		snprintf(name, sizeof(name), "%s%d", processes ? "process" : "thread", i);
		if (processes)
			children[i] = lab_fork(name, work_process, (void *)(intptr_t)i);
		else
			threads[i] = lab_thread(name, work_thread, (void *)(intptr_t)i);
	}
	for (int i = 0; i < count; i++) {
		if (processes)
			lab_wait(children[i]);
		else
			pthread_join(threads[i], NULL);
		if (shared->ran[i].start < start)
			start = shared->ran[i].start;
		if (shared->ran[i].end > end)
			end = shared->ran[i].end;
	}
	pthread_barrier_destroy(&shared->start_line);
	return (end - start) / 1e9;
}

/* Returns the speed-up in the best of some rounds, because a disturbance only makes a run slower.
 * One worker is measured in each round too, so that a disturbance affects both.  A short run can end
 * before a scheduler has moved a worker to an idle CPU, and the host of a virtual machine can take a
 * CPU for a while: if the result is below `wanted`, there are up to four times as many rounds. */
static double speed_up(enum job job, int count, bool processes, uint64_t total, double wanted)
{
	double one = 1e30, many = 1e30;
	int rounds = lab_pick(4, 3);

	for (int i = 0; i < rounds || (i < 4 * rounds && one / many < wanted); i++) {
		lab_load_look_two();
		double t = measure(job, 1, processes, total);

		if (t < one)
			one = t;
		t = measure(job, count, processes, total);
		if (t < many)
			many = t;
	}
	return one / many;
}

/* Do the CPUs run at the same time, or does an emulator run one after the other?  Two threads count
 * for 50 ms, and each reads the other's counter.  If the CPUs run one after the other, the other's
 * counter does not change while a thread reads it. */
static struct pair {
	volatile uint64_t count;
	uint64_t moved; /* reads that found a changed value */
	struct pair *other;
} pairs[2];

static void *count_and_look(void *arg)
{
	struct pair *me = arg;
	uint64_t end, last = 0;

	lab_pin((int)(me - pairs));
	end = lab_now_ns() + 50 * 1000 * 1000;
	do {
		for (int i = 0; i < 1000; i++) {
			me->count++;
			me->moved += me->other->count != last;
			last = me->other->count;
		}
	} while (lab_now_ns() < end);
	return NULL;
}

static uint64_t seen_moving(void)
{
	pthread_t threads[2];

	for (int i = 0; i < 2; i++) {
		pairs[i].other = &pairs[1 - i];
		threads[i] = lab_thread("looks", count_and_look, &pairs[i]);
	}
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	return pairs[0].moved < pairs[1].moved ? pairs[0].moved : pairs[1].moved;
}

/* With one CPU nothing runs at the same time: show that two workers are as fast as one. */
static void one_cpu(uint64_t total)
{
	struct lab_bars *bars =
	    lab_bars("How many times as fast as one worker, on one CPU", "times");
	double threads = speed_up(COMPUTE, 2, false, total, 0),
	       processes = speed_up(COMPUTE, 2, true, total, 0);

	lab_bar(bars, threads, "2 threads");
	lab_bar(bars, processes, "2 processes");
	lab_verdict(
	    LAB_NOT_SHOWN,
	    "There is only one CPU: two threads were %.2f times and two processes %.2f times as "
	    "fast as one. To give the machine more CPUs: make run CPUS=2.",
	    threads, processes);
}

static void run(void)
{
	int cpus = lab_options.cpus < CPUS ? lab_options.cpus : CPUS, best = 2;
	uint64_t total = lab_spin_rounds((uint64_t)lab_pick(100, 40) * 1000000);
	enum job job = lab_knob("lock") ? LOCKED : COMPUTE;
	double threads[CPUS + 1] = {0, 1}, processes[CPUS + 1] = {0, 1}, more, locked, sharing, own;
	uint64_t moving = 0;
	struct lab_trace *trace;
	struct lab_bars *bars;
	pid_t tids[MOST];
	pthread_mutexattr_t lock_attr;

	shared = lab_shared(sizeof(*shared));
	pthread_mutexattr_init(&lock_attr);
	pthread_mutexattr_setpshared(&lock_attr, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(&shared->lock, &lock_attr);
	if (cpus < 2) {
		one_cpu(total);
		return;
	}
	/* On a busy host the CPUs may run one after the other for a while: try several times. */
	for (int i = 0; i < 8 && moving < 100; i++) {
		uint64_t moves = seen_moving();

		moving = moves > moving ? moves : moving;
	}
	for (int n = 2; n <= cpus; n = n < cpus && n * 2 > cpus ? cpus : n * 2) {
		lab_progress("workers", n, cpus);
		threads[n] = speed_up(job, n, false, total, job == COMPUTE ? WANTED : 0);
		processes[n] = speed_up(job, n, true, total, job == COMPUTE ? WANTED : 0);
		if (threads[n] > threads[best])
			best = n;
	}
	lab_trace_begin();
	measure(job, cpus, false, total);
	trace = lab_trace_end();
	memcpy(tids, shared->tids, sizeof(tids));
	more = speed_up(job, 2 * cpus, false, total, 0);
	locked = speed_up(LOCKED, cpus, false, total, 0);
	sharing = speed_up(FALSE_SHARING, cpus, false, total, 0);
	own = speed_up(OWN_LINES, cpus, false, total, 0);

	bars =
	    lab_bars(job == LOCKED
			 ? "How many times as fast as one worker, each step under one lock (--lock)"
			 : "How many times as fast as one worker",
		     "times");
	for (int n = 1; n <= cpus; n++) {
		if (!threads[n])
			continue;
		lab_bar(bars, threads[n], "%d thread%s", n, n > 1 ? "s" : "");
		lab_bar(bars, processes[n], "%d process%s", n, n > 1 ? "es" : "");
	}
	if (trace) {
		lab_timeline(trace, "The threads, on all CPUs");
		lab_note(
		    "The scheduler's trace: two or more of them ran at the same time for %.1f ms.",
		    lab_trace_overlap(trace, tids, cpus) / 1e6);
	} else {
		lab_left_out("The timeline",
			     "this system has no trace, or this user may not read it");
	}
	bars = lab_bars(
	    "The limits: the same work on all CPUs, as a multiple of one worker's speed", "times");
	lab_bar(bars, threads[cpus], "nothing shared");
	lab_bar(bars, more, "twice as many threads as CPUs");
	lab_bar(bars, locked, "each step under one lock");
	lab_bar(bars, own, "counters in separate cache lines");
	lab_bar(bars, sharing, "counters in one cache line");
	lab_note("Two threads on two CPUs saw each other's counter change %llu times in 50 ms.",
		 (unsigned long long)moving);
	lab_figure("speedup_threads", threads[best], "times", "best speed-up with threads");
	lab_figure("speedup_processes", processes[best], "times",
		   "speed-up with as many processes");
	lab_figure("speedup_threads_twice", more, "times",
		   "speed-up with twice as many threads as CPUs");
	lab_figure("speedup_lock", locked, "times", "speed-up with each step under one lock");
	lab_figure("speedup_false_sharing", sharing, "times",
		   "speed-up with counters in one cache line");
	lab_figure("speedup_own_lines", own, "times",
		   "speed-up with counters in separate cache lines");
	/* More than the number of CPUs is not possible: noise has made the times of one too long.
	 */
	lab_check_time_at_least(threads[best], WANTED, "times",
				"%d threads: how many times as fast as one", best);
	lab_check_time_at_most(threads[best], 1.1 * best, "times",
			       "the same: %d CPUs, and a tenth for noise", best);
	lab_check_time_at_least(processes[best], WANTED, "times",
				"%d processes: how many times as fast as one", best);
	lab_check_time_at_most(processes[best], 1.1 * best, "times",
			       "the same: %d CPUs, and a tenth for noise", best);
	if (lab_checks_failed() == 0)
		lab_verdict(
		    LAB_CORRECTED,
		    "%d threads were %.2f times and %d processes %.2f times as fast as one; with a "
		    "lock around each step %.2f times. A speed-up needs several CPUs, and "
		    "threads that do not wait for each other.",
		    best, threads[best], best, processes[best], locked);
	else if (job == LOCKED)
		lab_verdict(LAB_FALSE,
			    "Under one lock %d threads were %.2f times as fast as one: they wait "
			    "for each other.",
			    best, threads[best]);
	else
		lab_verdict(LAB_NOT_SHOWN,
			    "%d CPUs gave threads %.2f times and processes %.2f times the speed. "
			    "%s The host or other programs took "
			    "up to %.0f %% of the time of two CPUs.",
			    cpus, threads[best], processes[best],
			    moving < 100
				? "The emulator or the host runs the CPUs one after the other: two "
				  "threads hardly saw each other's counter change."
				: "They run at the same time, but not all the time.",
			    lab_load());
}

static const struct lab_knob knobs[] = {
    {"lock", NULL, "each step of the work is done under one lock"},
    {0},
};

const struct lab lab = {
    .name = "parallelism",
    .claim = "On several cores threads, and processes, run at the same time.",
    .loose = "More threads do not always mean more speed. A lock or a cache line that they share "
	     "reduces the gain, and more threads than CPUs add nothing.",
    .predict = {.question =
		    "Two CPUs, two threads, twice the speed. What if each step is under one mutex?",
		.choices = {"still about twice", "about as fast as one thread",
			    "much slower than one thread"},
		.answer = 1,
		.why =
		    "While one thread holds the lock, the other waits: only one works at a time."},
    .knobs = knobs,
    .expect = LAB_CORRECTED,
    .books = "With 75 % of the work parallel, two cores make it 1.6 times as fast (Amdahl's law; "
	     "Silberschatz, 4.2).",
    .sources = "kernel/task/balance.c choose_cpu(), balance_steal(); arch/x86_64/pc/smp.c",
    .tour = "smp",
    .run = run,
};
