/* SPDX-License-Identifier: MIT
 *
 * You are the scheduler: choose the thread that runs the next line, and reach the goal of a level.
 *
 * The parts of this lab are in user/labs/drive: its levels (levels.txt, level.c), the machine that
 * runs them, the search of all schedules, the same programs as real threads, and play.  The report
 * runs the shortest schedule of each level with real threads and compares every step.
 */
#include "lab.h"

#include "drive/drive.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN 3 /* levels whose shortest schedule the report shows step by step */

/* The text of the built-in levels, which the page in the browser uses, too. */
extern const char built_in_levels[];
__asm__(".pushsection .rodata\n"
	"built_in_levels:\n"
	".incbin \"user/labs/drive/levels.txt\"\n"
	".byte 0\n"
	".popsection\n");

static struct history played;
static bool as_foretold = true; /* the threads did what the machine did */

static void read_levels(void)
{
	const char *file = lab_knob("levels"), *error;
	char *text = file ? lab_read(file) : NULL;

	if (file && !text)
		lab_die("the file of levels '%s' cannot be read", file);
	error = file ? levels_read(text, file) : levels_read(built_in_levels, "levels.txt");
	if (error)
		lab_die("%s", error);
}

/* The level of --level, or NULL: all. */
static const struct level *wanted_level(void)
{
	const char *name = lab_knob("level");
	const struct level *level = name ? level_named(name) : NULL;

	if (name && isdigit((unsigned char)*name) && atoi(name) >= 1 && atoi(name) <= level_count)
		level = &levels[atoi(name) - 1];
	if (name && !level)
		lab_die("there is no level '%s'; --list lists them", name);
	return level;
}

/* --- schedules -------------------------------------------------------------------------------- */

static void play_begin(const struct level *level)
{
	history_begin(level, &played);
	real_begin(level);
}

static void play_step(const struct level *level, int t)
{
	history_step(level, &played, t);
	real_step(&played);
	as_foretold &= !real_differs();
}

static const struct state *state_now(void)
{
	return &played.states[played.moves];
}

/* The thread of a move, or -1.  A move that is none is an error of the user. */
static int thread_of(const struct level *level, const char *schedule, int i)
{
	int t = toupper((unsigned char)schedule[i]) - 'A';

	if (isspace((unsigned char)schedule[i]))
		return -1;
	if (t < 0 || t >= level->thread_count)
		lab_die("move %d of --play, '%c': level %s has the threads A to %c", i + 1,
			schedule[i], level->name, 'A' + level->thread_count - 1);
	return t;
}

/* Plays with real threads.  What cannot run is left out. */
static void play_schedule(const struct level *level, const char *schedule)
{
	play_begin(level);
	for (int i = 0; schedule[i]; i++) {
		int t = thread_of(level, schedule, i);

		if (t < 0)
			continue;
		if (played.moves == MAX_MOVES)
			lab_die("a schedule of more than %d moves", MAX_MOVES);
		if (can_run(level, state_now(), t))
			play_step(level, t);
		else
			lab_note("Move %d left out: %s", i + 1, why_not(level, state_now(), t));
	}
}

/* Runs each thread as long as it can, so that the program ends, or loops. */
static void play_to_end(const struct level *level)
{
	int steps = 0;

	for (int t = 0; !is_over(level, state_now()) && steps < MAX_MOVES / 2;
	     t = (t + 1) % level->thread_count)
		for (int i = 0; i < 20 && can_run(level, state_now(), t); i++, steps++)
			if (played.moves < MAX_MOVES)
				play_step(level, t);
}

static void show_schedule(const struct level *level, const char *title)
{
	char columns[64] = ">step", row[512];
	struct lab_table *table;

	for (int t = 0; t < level->thread_count; t++)
		sprintf(columns + strlen(columns), "|%s%c",
			level->thread_count < 4 ? "thread " : "", 'A' + t);
	strcat(columns, "|then");
	table = lab_table(title, columns);
	for (int i = 0; i < played.moves; i++) {
		int n = snprintf(row, sizeof(row), "%d", i + 1);

		for (int t = 0; t < level->thread_count; t++) {
			const struct state *s = &played.states[i];
			const struct line *line = next_line(level, s, t);
			bool runs = played.schedule[i] == 'A' + t;

			int start = n + 1;

			n += snprintf(row + n, sizeof(row) - n, "|%.*s%s", runs ? line->length : 0,
				      line->text, runs && s->relock[t] ? " again" : "");
			for (char *c = row + start; *c; c++)
				*c = *c == '|' ? '/' : *c; /* '|' separates cells */
		}
		snprintf(row + n, sizeof(row) - n, "|%s",
			 memory_text(level, &played.states[i + 1]));
		lab_row(table, "%s", row);
	}
}

/* --- what is printed in place of the lab ------------------------------------------------------ */

static void print_solution(const struct level *level)
{
	struct solution found = solve(level);

	if (found.found)
		printf("%s: %d moves: %s\n", level->name, found.moves, found.schedule);
	else
		printf("%s: %s after %d states\n", level->name,
		       found.complete ? "no schedule reaches the goal,"
				      : "not known: the search ended",
		       found.states);
}

/* One line for each state, for programs. */
static void print_states(const struct level *level, const char *schedule)
{
	history_begin(level, &played);
	for (int i = 0;; i++) {
		int t = i && schedule[i - 1] ? thread_of(level, schedule, i - 1) : -1;

		if (t >= 0 && can_run(level, state_now(), t) && played.moves < MAX_MOVES)
			history_step(level, &played, t);
		if (!i || t >= 0)
			printf("%s%s\n", state_text(level, state_now()),
			       goal_reached(level, &played) ? " goal" : "");
		if (!schedule[i])
			return;
	}
}

static void print_list(void)
{
	for (int i = 0; i < level_count; i++) {
		const struct tries *tries = progress_of(&levels[i]);

		printf("%2d %-20s %-40s", i + 1, levels[i].name, levels[i].title);
		if (tries)
			printf(" %2d points", points_of(tries, solve(&levels[i]).moves));
		putchar('\n');
	}
	printf("Progress is kept in %s.\n", progress_place());
}

static bool instead(void)
{
	const struct level *wanted;
	const char *schedule = lab_knob("play");

	read_levels();
	progress_load();
	wanted = wanted_level();
	if (schedule && !wanted)
		wanted = levels;
	if (lab_knob("list"))
		print_list();
	else if (lab_knob("solve"))
		for (int i = 0; i < level_count; i++)
			wanted &&wanted != &levels[i] ? (void)0 : print_solution(&levels[i]);
	else if (lab_knob("states"))
		print_states(wanted ? wanted : levels, schedule ? schedule : "");
	else
		return false;
	return true;
}

/* --- the lab ---------------------------------------------------------------------------------- */

static void search_and_play(const struct level *level, struct lab_table *table, int shown)
{
	struct solution found = solve(level);
	double all, reach;
	char schedules[32] = "endless", reached[32] = "-", title[100];

	if (count_schedules(level, &all, &reach)) {
		snprintf(schedules, sizeof(schedules), "%.0f", all);
		snprintf(reached, sizeof(reached), "%.0f", reach);
		if (!lab_knob("levels") && level == levels) {
			lab_figure("update_schedules", all, "schedules",
				   "schedules of two increments");
			lab_figure("update_broken", reach, "schedules",
				   "schedules that lose an increment");
		}
	}
	lab_row(table, "%s|%d|%s|%s|%s", level->title, found.states, schedules, reached,
		found.found	 ? found.schedule
		: found.complete ? "none"
				 : "not known");
	play_schedule(level, found.schedule);
	if (!found.found)
		play_to_end(level);
	as_foretold &= goal_reached(level, &played) == found.found;
	if (found.found && shown < SHOWN) {
		snprintf(title, sizeof(title), "%s: a shortest schedule", level->title);
		show_schedule(level, title);
		lab_note("%s", outcome_text(level, &played));
	}
	if (shown < SHOWN && is_stuck(level, state_now()))
		lab_check(real_stuck(level, state_now()),
			  "%s: no stuck thread continued when it got permission to run",
			  level->title);
	real_end();
}

static void given_schedule(const struct level *level, const char *schedule)
{
	play_schedule(level, schedule);
	show_schedule(level, "The given schedule, run by threads");
	lab_note("%s: %s %s", level->title, outcome_text(level, &played),
		 goal_reached(level, &played) ? "This is the goal." : "This is not the goal.");
	real_end();
}

static void report_progress(void)
{
	int solved = 0, points = 0;

	for (int i = 0; i < level_count; i++) {
		const struct tries *tries = progress_of(&levels[i]);

		solved += tries != NULL;
		points += tries ? points_of(tries, solve(&levels[i]).moves) : 0;
	}
	if (solved)
		lab_note("You have solved %d of %d levels: %d of %d points. Kept in %s.", solved,
			 level_count, points, 10 * level_count, progress_place());
}

/* Reports on all levels whose goal can be reached, or, with --lock, on the others. */
static void run(void)
{
	bool lock = lab_knob("lock");
	const struct level *wanted = wanted_level();
	const char *schedule = lab_knob("play");
	struct lab_table *table;
	int count = 0, reachable = 0;

	if (schedule)
		given_schedule(wanted ? wanted : levels, schedule);
	else if (lab_options.interactive && !lab_options.quick)
		play(wanted ? wanted : levels);
	table = lab_table(lock ? "The levels whose goal no schedule reaches (--lock)"
			       : "The levels whose goal a schedule reaches",
			  "level|>states|>schedules|>reach it|the shortest");
	for (int i = 0; i < level_count; i++) {
		bool found = solve(&levels[i]).found;

		if (wanted ? wanted != &levels[i] : found == lock)
			continue;
		lab_progress("levels", i, level_count);
		search_and_play(&levels[i], table, wanted ? 0 : count);
		count++;
		reachable += found;
	}
	report_progress();
	lab_check_equals(reachable, count, "levels", "levels whose goal a schedule reaches");
	lab_check(as_foretold, "real threads, run in these orders, did what the search predicted");
	if (lab_checks_failed() == 0)
		lab_verdict(LAB_CORRECTED,
			    "%d of %d programs break under some schedules and are right under "
			    "others. A passed test only shows that one schedule was right, not "
			    "that the program is right.",
			    reachable, count);
	else if (reachable == 0 && as_foretold)
		lab_verdict(LAB_FALSE, "No schedule breaks any of these %d programs.", count);
	else
		lab_verdict(LAB_FALSE, "See the checks.");
}

static const struct lab_knob knobs[] = {
    {"lock", NULL, "the programs that are right: no schedule breaks them"},
    {"level", "NAME", "only this level, by its name or number"},
    {"levels", "FILE", "read the levels from this file"},
    {"list", NULL, "list the levels, with your points, and end"},
    {"play", "MOVES", "play this schedule, e.g. ABABAB, without keys"},
    {"solve", NULL, "print a shortest schedule for each level, and end"},
    {"states", NULL, "with --play: print every state as numbers, and end"},
    {0},
};

const struct lab lab = {
    .name = "drive",
    .claim = "The scheduler decides which thread runs next, so a program can go wrong.",
    .loose =
	"It can go wrong, but it need not: under other schedules it is right. A program is right "
	"only if no schedule breaks it.",
    .predict = {.question = "counter++ is load, add, store. Two threads do it once each. How many "
			    "of the 20 schedules lose an update?",
		.choices = {"1", "about half", "18"},
		.answer = 2,
		.why = "A schedule is right only if one thread ends before the other begins: 2 of "
		       "20."},
    .knobs = knobs,
    .expect = LAB_CORRECTED,
    .books = "\"We must guarantee that one process at a time can manipulate the variable\" "
	     "(Silberschatz, 6.1).",
    .sources = "kernel/task/sched.c choose_next(); kernel/watch/seed/seed.c choose_holder()",
    .tour = "switch",
    .run = run,
    .instead = instead,
};
