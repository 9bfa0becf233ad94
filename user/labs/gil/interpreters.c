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

#define FASTER	1.3 /* how many times as fast two workers are, if nothing makes them take turns */
#define SELDOM	1.5 /* saw progress: once in each turn */
#define OFTEN	3
#define TURN_MS 5 /* CPython's lock changes its owner after so long (sys.getswitchinterval()) */

enum { ONE, THREADS, PROCESSES, WAIT_ONE, WAIT_THREADS, WAYS };

static const char *const keys[WAYS] = {"one", "threads", "processes", "wait_one", "wait_threads"};
static const char *const names[WAYS] = {"2 jobs in one thread", "2 threads", "2 processes",
					"4 waits, one thread", "4 waiting threads"};

struct interpreter {
	const char *name, *guest, *program;
	bool has_lock;
	char version[80], last[160];
	/* Of the round with the shortest time; 0: not run. */
	double wall_ms[WAYS], cpu_ms[WAYS];
	double saw[WAYS]; /* looks that saw progress of the other, in each 5 ms */
};

/* Nothing makes the workers of this way take turns. */
static bool is_free(const struct interpreter *p, int way)
{
	return way == PROCESSES || (way == THREADS && !p->has_lock);
}

/* A busy machine makes a round slower, and takes the CPUs from workers that could run at the same
 * time. */
static void take_round(struct interpreter *p, int way, double wall, double cpu, double saw)
{
	saw /= wall / TURN_MS;
	if (p->wall_ms[way] && (is_free(p, way) ? saw <= p->saw[way] : wall >= p->wall_ms[way]))
		return;
	p->wall_ms[way] = wall;
	p->cpu_ms[way] = cpu;
	p->saw[way] = saw;
}

static void take_line(char *line, void *arg)
{
	struct interpreter *p = arg;
	char key[32];
	double wall, cpu, saw;
	int lock;

	snprintf(p->last, sizeof(p->last), "%s", line);
	if (strncmp(line, "version ", 8) == 0)
		snprintf(p->version, sizeof(p->version), "%s", line + 8);
	else if (sscanf(line, "gil %d", &lock) == 1)
		p->has_lock = lock;
	else if (sscanf(line, "%31s %lf %lf %lf", key, &wall, &cpu, &saw) == 4 && wall > 0)
		for (int i = 0; i < WAYS; i++)
			if (strcmp(key, keys[i]) == 0)
				take_round(p, i, wall, cpu, saw);
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
	struct lab_table *table =
	    lab_table(title, "how|>wall|>CPU|>CPUs used|>times as fast|>saw progress");

	for (int i = 0; i < WAYS; i++) {
		char seen[32] = "-";

		if (!p->wall_ms[i])
			continue;
		if (i == THREADS || i == PROCESSES)
			snprintf(seen, sizeof(seen), "%.1f", p->saw[i]);
		lab_row(table, "%s|%.0f ms|%.0f ms|%.2f|%.2f|%s", names[i], p->wall_ms[i],
			p->cpu_ms[i], cpus(p, i), speedup(p, i, i >= WAIT_ONE ? WAIT_ONE : ONE),
			seen);
	}
	free(title);
}

/* Something that two free CPUs show: checked if it is so, or if the machine is free. */
static void check_free(const struct interpreter *p, int way, double found, double bound,
		       const char *what)
{
	char *text = text_of("%s, %s: %s", p->name, names[way], what);

	if (lab_options.cpus > 1 && (found >= bound || lab_load() < LAB_BUSY))
		lab_check_at_least(found, bound, "", "%s", text);
	else
		lab_left_out(text, lab_options.cpus > 1
				       ? "the host or other programs took too much of the two CPUs"
				       : "one CPU runs one thread at a time");
	free(text);
}

static void check_parallel(const struct interpreter *p, int way)
{
	check_free(p, way, p->saw[way], OFTEN, "saw progress of the other, in 5 ms");
	check_free(p, way, speedup(p, way, ONE), FASTER, "times as fast as one thread");
}

static void judge(const struct interpreter *p)
{
	char *name = text_of("%s_threads", p->guest), *meaning;

	meaning = text_of("real %s: 2 threads, times as fast as one", p->name);
	lab_figure(name, speedup(p, THREADS, ONE), "times", meaning);
	if (p->has_lock)
		lab_check_at_most(p->saw[THREADS], SELDOM, "",
				  "%s, 2 threads: saw progress of the other, in 5 ms", p->name);
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
					"%s, 4 waiting threads: times as fast as one", p->name);
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
	char *ms = text_of("%d", lab_pick(200, 80)), *rounds = text_of("%d", lab_pick(6, 4));
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
	lab_note(
	    "Saw progress: how often a worker of the real interpreters looked and saw that the "
	    "other one had made progress since its last look, in each %d ms. CPython's lock "
	    "changes its owner after %d ms, so its threads see it once.",
	    TURN_MS, TURN_MS);
	free(program);
	free(file);
	free(ms);
	free(rounds);
}
