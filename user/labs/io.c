/* SPDX-License-Identifier: MIT
 *
 * Switching pays when work waits.  Eight tasks run one after the other, as threads and as
 * processes, on one CPU.  Each task sends a request to a device, waits for the answer, then works
 * on it a little.  The device is a process that answers each request after a fixed time, as a disk
 * or a network does, and can process many requests at the same time.
 */
#include "lab.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TASKS 8

static struct channel {
	int request[2], answer[2]; /* pipes to and from the device */
} channels[TASKS];
static uint64_t device_ns, compute_rounds;
static int requests;   /* requests of each task */
static bool computing; /* the tasks compute instead of waiting */

/* The device answers each request after `device_ns`.  It ends when all tasks have closed their
 * pipes. */
static int device(void *unused)
{
	struct pollfd fds[TASKS];
	uint64_t due[TASKS] = {0};
	int open = TASKS;

	(void)unused;
	for (int i = 0; i < TASKS; i++) {
		close(channels[i].request[1]);
		close(channels[i].answer[0]);
		fds[i] = (struct pollfd){.fd = channels[i].request[0], .events = POLLIN};
	}
	while (open > 0) {
		uint64_t now = lab_now_ns(), next = UINT64_MAX;
		struct timespec wait;
		char byte = 0;

		for (int i = 0; i < TASKS; i++) {
			if (due[i] && due[i] <= now) {
				if (write(channels[i].answer[1], &byte, 1) != 1)
					return 1;
				due[i] = 0;
			}
			if (due[i] && due[i] < next)
				next = due[i];
		}
		wait = (struct timespec){(next - now) / 1000000000, (next - now) % 1000000000};
		if (ppoll(fds, TASKS, next == UINT64_MAX ? NULL : &wait, NULL) < 0)
			return 1;
		for (int i = 0; i < TASKS; i++) {
			if (!fds[i].revents)
				continue;
			if (read(fds[i].fd, &byte, 1) == 1) {
				due[i] = lab_now_ns() + device_ns;
			} else {
				fds[i].fd = -1; /* poll() ignores it */
				open--;
			}
		}
	}
	return 0;
}

static void *task(void *arg)
{
	struct channel *c = arg;
	char byte = 0;

	for (int i = 0; i < requests; i++) {
		if (computing)
			lab_spin(lab_spin_rounds(device_ns));
		else if (write(c->request[1], &byte, 1) != 1 || read(c->answer[0], &byte, 1) != 1)
			lab_die("the device: %s", strerror(errno));
		lab_spin(compute_rounds);
	}
	return NULL;
}

static int task_process(void *arg)
{
	task(arg);
	return 0;
}

enum way { IN_TURN, THREADS, PROCESSES, WAYS };
static const char *const way_names[] = {"one after the other", "as threads", "as processes"};

struct result {
	double wall_ms, busy_ms;
};

static double used_ms(void)
{
	struct rusage own, children;

	getrusage(RUSAGE_SELF, &own);
	getrusage(RUSAGE_CHILDREN, &children);
	return (own.ru_utime.tv_sec + own.ru_stime.tv_sec + children.ru_utime.tv_sec +
		children.ru_stime.tv_sec) *
		   1e3 +
	       (own.ru_utime.tv_usec + own.ru_stime.tv_usec + children.ru_utime.tv_usec +
		children.ru_stime.tv_usec) /
		   1e3;
}

static struct result measure(enum way way)
{
	pthread_t threads[TASKS];
	pid_t children[TASKS];
	double used = used_ms();
	uint64_t start = lab_now_ns();
	char name[16];

	for (int i = 0; i < TASKS; i++) {
		snprintf(name, sizeof(name), "task%d", i);
		if (way == IN_TURN)
			task(&channels[i]);
		else if (way == THREADS)
			threads[i] = lab_thread(name, task, &channels[i]);
		else
			children[i] = lab_fork(name, task_process, &channels[i]);
	}
	for (int i = 0; i < TASKS && way != IN_TURN; i++) {
		if (way == THREADS)
			pthread_join(threads[i], NULL);
		else if (lab_wait(children[i]) != 0)
			lab_die("a task failed");
	}
	return (struct result){(lab_now_ns() - start) / 1e6, used_ms() - used};
}

/* Measures each way in some rounds and keeps the best; with `more` it also keeps earlier results
 * that are better.  The ways alternate, so that a disturbance affects all of them. */
static void measure_all(struct result *results, const char *what, bool more)
{
	int rounds = lab_pick(4, 2);

	for (int i = 0; i < rounds * WAYS; i++) {
		int way = i % WAYS;
		struct result r;

		lab_progress(what, i, rounds * WAYS);
		if (way == 0)
			lab_load_look();
		r = measure(way);
		if ((i < WAYS && !more) || r.wall_ms < results[way].wall_ms)
			results[way] = r;
	}
}

static void table_of(const char *title, const struct result *r)
{
	struct lab_table *table = lab_table(title, "8 tasks|>time|>CPU busy|>times as fast");

	for (int way = 0; way < WAYS; way++)
		lab_row(table, "%s|%.0f ms|%.0f ms|%.1f", way_names[way], r[way].wall_ms,
			r[way].busy_ms, r[0].wall_ms / r[way].wall_ms);
}

static void run(void)
{
	struct result waiting[WAYS], busy[WAYS];
	struct lab_trace *trace;
	double threads, processes, computed;
	pid_t device_pid;

	device_ns = 20 * 1000 * 1000;
	compute_rounds = lab_spin_rounds(200 * 1000);
	requests = lab_pick(3, 2);
	computing = lab_knob("compute");
	lab_pin(0); /* one CPU for all; the device uses it only a little */
	for (int i = 0; i < TASKS; i++)
		if (pipe(channels[i].request) < 0 || pipe(channels[i].answer) < 0)
			lab_die("pipe: %s", strerror(errno));
	device_pid = lab_fork("device", device, NULL);
	for (int i = 0; i < TASKS; i++) {
		close(channels[i].request[0]);
		close(channels[i].answer[1]);
	}
	measure_all(waiting, computing ? "computing" : "waiting", false);
	lab_trace_begin();
	measure(THREADS);
	trace = lab_trace_end();
	computing = true;
	measure_all(busy, "computing", false);
	/* Measure again if other programs disturbed only one of the ways. */
	for (int i = 0; i < lab_pick(3, 1) && busy[0].wall_ms > 1.2 * busy[THREADS].wall_ms; i++)
		measure_all(busy, "computing", true);
	for (int i = 0; i < TASKS; i++)
		close(channels[i].request[1]);
	lab_wait(device_pid);

	table_of(lab_knob("compute") ? "Computing for 20 ms instead of waiting (--compute), one CPU"
				     : "Waiting 20 ms for a device, then working 0.2 ms; one CPU",
		 waiting);
	if (trace)
		lab_timeline(trace, "Eight threads on one CPU");
	else
		lab_left_out("The timeline",
			     "this system has no trace, or this user may not read it");
	table_of("The same with computing instead of waiting, one CPU", busy);
	threads = waiting[0].wall_ms / waiting[THREADS].wall_ms;
	processes = waiting[0].wall_ms / waiting[PROCESSES].wall_ms;
	computed = busy[0].wall_ms / busy[THREADS].wall_ms;
	lab_figure("speedup_waiting_threads", threads, "times",
		   "8 waiting tasks as threads, one CPU");
	lab_figure("speedup_waiting_processes", processes, "times",
		   "8 waiting tasks as processes, one CPU");
	lab_figure("speedup_computing_threads", computed, "times",
		   "8 computing tasks as threads, one CPU");
	lab_check_time_at_least(threads, 2, "times",
				"waiting tasks: how many times as fast in threads");
	lab_check_time_at_least(processes, 2, "times",
				"waiting tasks: how many times as fast in processes");
	lab_check_time_at_most(computed, 1.25, "times",
			       "computing tasks: how many times as fast in threads");
	if (lab_checks_failed() == 0)
		lab_verdict(
		    LAB_CORRECTED,
		    "On one CPU 8 waiting tasks end %.1f times as fast in threads and %.1f times "
		    "in "
		    "processes; computing tasks %.1f times. The waiting overlaps; the computing "
		    "does not become faster.",
		    threads, processes, computed);
	else
		lab_verdict(
		    LAB_FALSE,
		    "Threads were %.1f times and processes %.1f times as fast as one task after "
		    "the other: no task waited, or the waiting could not overlap.",
		    threads, processes);
}

static const struct lab_knob knobs[] = {
    {"compute", NULL, "the tasks compute for 20 ms instead of waiting"},
    {0},
};

const struct lab lab = {
    .name = "io",
    .claim = "Switching pays when work waits for input and output; threads help I/O-bound tasks.",
    .loose = "The waiting overlaps, but the computing does not become faster. And processes "
	     "overlap their "
	     "waiting as well as threads.",
    .predict = {.question =
		    "Eight tasks wait for a device most of their time. On ONE CPU, how much faster "
		    "are eight threads than one task after the other?",
		.choices = {"not at all: there is only one CPU", "about twice",
			    "five to eight times"},
		.answer = 2,
		.why = "While one thread waits, the CPU is free for the others: all of them wait "
		       "at the same time."},
    .knobs = knobs,
    .expect = LAB_CORRECTED,
    .books = "Threads are useful where there is \"substantial computing and also substantial "
	     "I/O\": they overlap; CPU-bound threads gain nothing on one CPU (Tanenbaum, 2.2.1).",
    .sources = "kernel/task/wait.c wait_sleep(), kernel/task/sched.c switch_away()",
    .tour = "switch",
    .run = run,
};
