/* SPDX-License-Identifier: MIT
 *
 * The real interpreters of lab gil: CPython, and the JVM.  Each runs two jobs in one thread, in two
 * threads and, CPython, in two processes, and says how long that took by the clock and in CPU time.
 * The programs are in user/lab/guest.
 */
#include "user/labs/gil/interpreters.h"

#include "user/lab/internal.h"

#include <stdlib.h>
#include <string.h>

#define PARALLEL 1.4 /* CPUs that two workers use at least, if nothing makes them take turns */
#define FASTER	 1.3 /* how many times as fast they are then */

enum { ONE, THREADS, PROCESSES, WAIT_ONE, WAIT_THREADS, WAYS };

static const char *const keys[WAYS] = {"one", "threads", "processes", "wait_one", "wait_threads"};
static const char *const names[WAYS] = {"2 jobs in one thread", "2 threads", "2 processes",
					"4 waits in one thread", "4 threads that wait"};

struct interpreter {
	const char *name, *guest, *program;
	bool has_lock;
	char version[80], last[160];
	double wall_ms[WAYS], cpu_ms[WAYS]; /* of the round with the shortest time; 0: not run */
};

static void take_line(char *line, void *arg)
{
	struct interpreter *p = arg;
	char key[32];
	double wall, cpu;
	int lock;

	snprintf(p->last, sizeof(p->last), "%s", line);
	if (strncmp(line, "version ", 8) == 0)
		snprintf(p->version, sizeof(p->version), "%s", line + 8);
	else if (sscanf(line, "gil %d", &lock) == 1)
		p->has_lock = lock;
	else if (sscanf(line, "%31s %lf %lf", key, &wall, &cpu) == 3)
		for (int i = 0; i < WAYS; i++)
			if (strcmp(key, keys[i]) == 0 && (!p->wall_ms[i] || wall < p->wall_ms[i])) {
				p->wall_ms[i] = wall;
				p->cpu_ms[i] = cpu;
			}
}

static void how_to_get(const struct interpreter *p, const char *why)
{
	char *what = text_of("The real %s", p->name);
	char *how =
	    lab_options.on_heddle
		? text_of("%s. On your machine `make lab NAME=gil GUEST=%s` packs it and "
			  "boots with it",
			  why, p->guest)
		: text_of("%s. Install it (Debian: %s)", why,
			  strcmp(p->guest, "java") == 0 ? "openjdk-17-jdk-headless" : "python3");

	lab_left_out(what, how);
	free(what);
	free(how);
}

/* CPUs that it used on average. */
static double cpus(const struct interpreter *p, int way)
{
	return p->wall_ms[way] ? p->cpu_ms[way] / p->wall_ms[way] : 0;
}

static double speedup(const struct interpreter *p, int way, int base)
{
	return p->wall_ms[way] ? p->wall_ms[base] / p->wall_ms[way] : 0;
}

static void show(const struct interpreter *p)
{
	char *title = text_of("The real %s: %s", p->name, p->version);
	struct lab_table *table = lab_table(title, "how|>wall|>CPU|>CPUs used|>times as fast");

	for (int i = 0; i < WAYS; i++)
		if (p->wall_ms[i])
			lab_row(table, "%s|%.0f ms|%.0f ms|%.2f|%.2f", names[i], p->wall_ms[i],
				p->cpu_ms[i], cpus(p, i),
				speedup(p, i, i >= WAIT_ONE ? WAIT_ONE : ONE));
	free(title);
}

/* Checks that need two free CPUs; without them it says that this cannot be shown. */
static void check_parallel(const struct interpreter *p, int way)
{
	bool two = lab_options.cpus > 1, busy = lab_load() >= LAB_BUSY;
	char *what = text_of("%s, %s: that they are parallel", p->name, names[way]);
	const char *why = two ? "the host or other programs took too much of the two CPUs"
			      : "one CPU runs one thread at a time";

	if (two && (cpus(p, way) >= PARALLEL || !busy))
		lab_check_at_least(cpus(p, way), PARALLEL, "CPUs",
				   "%s, %s: CPU time divided by time", p->name, names[way]);
	else
		lab_left_out(what, why);
	if (two && (speedup(p, way, ONE) >= FASTER || !busy))
		lab_check_at_least(speedup(p, way, ONE), FASTER, "",
				   "%s, %s: times as fast as one thread", p->name, names[way]);
	else if (two && cpus(p, way) >= PARALLEL) {
		free(what);
		what = text_of("%s, %s: that they are faster", p->name, names[way]);
		lab_left_out(what, why);
	}
	free(what);
}

static void judge(const struct interpreter *p)
{
	char *name = text_of("%s_threads", p->guest), *meaning;

	meaning = text_of("real %s: 2 threads, times as fast as one", p->name);
	lab_figure(name, speedup(p, THREADS, ONE), "times", meaning);
	if (p->has_lock)
		lab_check_time_at_most(cpus(p, THREADS), PARALLEL, "CPUs",
				       "%s, 2 threads: CPU time divided by time", p->name);
	else
		check_parallel(p, THREADS);
	if (p->wall_ms[PROCESSES]) {
		free(meaning);
		free(name);
		name = text_of("%s_processes", p->guest);
		meaning = text_of("real %s: 2 processes, times as fast as one", p->name);
		lab_figure(name, speedup(p, PROCESSES, ONE), "times", meaning);
		check_parallel(p, PROCESSES);
	}
	if (p->wall_ms[WAIT_THREADS])
		lab_check_time_at_least(speedup(p, WAIT_THREADS, WAIT_ONE), 2, "",
					"%s, 4 threads that wait: times as fast as one", p->name);
	free(meaning);
	free(name);
}

/* Without --quick: more rounds, longer jobs. */
static void run(struct interpreter *p, char *const argv[])
{
	int status;

	lab_progress(p->name, 0, 1);
	status = lab_run_program(argv, 120, take_line, p);
	if (status == 0 && p->wall_ms[THREADS]) {
		show(p);
		judge(p);
		return;
	}
	char *why = status < 0 ? text_of("it did not end within 120 s")
			       : text_of("it ended with status %d: %s", status, p->last);
	char *what = text_of("The real %s", p->name);

	lab_left_out(what, why);
	free(what);
	free(why);
}

void run_interpreters(void)
{
	char *ms = text_of("%d", lab_pick(200, 80)), *rounds = text_of("%d", lab_pick(4, 2));
	struct interpreter python = {.name = "CPython", .guest = "python", .has_lock = true};
	struct interpreter java = {.name = "JVM", .guest = "java"};
	char *program = lab_program("python3"), *file = lab_guest_file("gil.py");

	if (program && file)
		run(&python, (char *[]){program, "-I", "-S", file, ms, rounds, NULL});
	else
		how_to_get(&python, program ? "gil.py is not here" : "there is no python3 here");
	free(program);
	free(file);
	program = lab_program("java");
	file = lab_guest_file("Gil.class");
	if (program && file) {
		*strrchr(file, '/') = 0;
		run(&java, (char *[]){program, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
				      "-Xmx64m", "-cp", file, "Gil", ms, rounds, NULL});
	} else {
		free(file);
		file = lab_guest_file("Gil.java");
		if (program && file)
			run(&java,
			    (char *[]){program, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
				       "-Xmx64m", file, ms, rounds, NULL});
		else
			how_to_get(&java,
				   program ? "Gil.java is not here" : "there is no java here");
	}
	free(program);
	free(file);
	free(ms);
	free(rounds);
}
