/* SPDX-License-Identifier: MIT
 *
 * Play: on the whole screen by keys, or without escape sequences by lines of keys.
 */
#include "../../lab/lab.h"
#include "drive.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum mode { PLAYING, ASKED, LISTING, HELP, LEFT }; /* ASKED: for the reason of a claim */

static const struct level *level;
static enum mode mode;
static bool live;    /* the whole screen; else lines */
static bool solved;  /* this schedule, or this claim, has solved the level */
static int selected; /* in the list */
static char message[800];
static struct history now;

/* Of each level: tries in this session, and the solution once it is known. */
static struct known {
	struct tries tries;
	bool is_solved_known;
	struct solution solution;
} * known;

static int width, rows;

/* --- output ----------------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static void put(enum lab_colour colour, const char *format,
						      ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (live)
		lab_live_put(colour, "%s", text);
	else
		fputs(text, stdout);
}

static void newline(void)
{
	if (live)
		lab_live_newline();
	else
		putchar('\n');
}

/* Of a long path the end says more than the beginning. */
static void put_place(void)
{
	const char *place = progress_place();
	int room = width - (int)strlen("Your progress is kept in ..."), length = (int)strlen(place);

	if (live && length > room)
		put(LAB_PLAIN, "Your progress is kept in ...%s", place + length - room);
	else
		put(LAB_PLAIN, "Your progress is kept in %s.", place);
	newline();
}

/* How many columns and bytes of `text` fit into the width, cut between words if possible. */
static int fit(const char *text)
{
	int columns = 0, space = 0, i = 0;

	for (; text[i] && text[i] != '\n'; i++) {
		columns += (text[i] & 0xC0) != 0x80;
		if (columns > width)
			return space ? space : i;
		if (text[i] == ' ')
			space = i;
	}
	return i;
}

/* Prints a paragraph.  With `count_only` it only counts the lines. */
static int paragraph(enum lab_colour colour, const char *text, bool count_only)
{
	int lines = 0;

	while (*text) {
		int length = fit(text);

		if (!count_only) {
			put(colour, "%.*s", length, text);
			newline();
		}
		lines++;
		text += length;
		text += *text == ' ' || *text == '\n';
	}
	return lines;
}

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
	size_t length = strlen(message);
	va_list args;

	va_start(args, format);
	vsnprintf(message + length, sizeof(message) - length, format, args);
	va_end(args);
}

/* --- the level -------------------------------------------------------------------------------- */

static struct known *known_of(const struct level *which)
{
	struct known *k = &known[which - levels];

	if (!k->is_solved_known)
		k->solution = solve(which);
	k->is_solved_known = true;
	return k;
}

static int points(const struct level *which)
{
	const struct tries *tries = progress_of(which);

	return tries ? points_of(tries, known_of(which)->solution.moves) : 0;
}

static int all_points(void)
{
	int sum = 0;

	for (int i = 0; i < level_count; i++)
		sum += points(&levels[i]);
	return sum;
}

static void restart(void)
{
	solved = false;
	history_begin(level, &now);
	real_begin(level);
}

static void open_level(const struct level *which)
{
	level = which;
	mode = PLAYING;
	restart();
}

static void solve_level(int moves)
{
	struct known *k = known_of(level);
	int before = points(level), best = k->solution.moves;
	struct tries tries = k->tries;
	bool kept;

	solved = true;
	tries.moves = moves;
	kept = progress_keep(level, &tries);
	say("SOLVED: %d of 10 points", points_of(&tries, best));
	if (k->solution.found)
		say(", %d moves; the best possible: %d", moves, best);
	if (before > points_of(&tries, best))
		say(". Earlier: %d points", before);
	say(".%s%s%s", kept ? "" : " Progress is kept ", kept ? "" : progress_place(),
	    kept ? "" : ".");
	if (level->learn)
		say("\n%s", level->learn);
	say("\nn: next level; u: undo; r: play it again.");
}

static void run_thread(int t)
{
	const struct state *s = &now.states[now.moves];

	if (solved || !can_run(level, s, t)) {
		say(solved ? "This level is solved. n: next level; u: undo; r: play it again."
			   : "%s",
		    why_not(level, s, t));
		return;
	}
	if (now.moves == MAX_MOVES) {
		say("%d moves are the most. Undo (u) or restart (r).", MAX_MOVES);
		return;
	}
	history_step(level, &now, t);
	real_step(&now);
	s = &now.states[now.moves];
	if (real_differs())
		say("Error: the real thread did not do what was expected.\n");
	if (s->failed || is_over(level, s) || goal_reached(level, &now))
		say("%s\n", outcome_text(level, &now));
	if (goal_reached(level, &now))
		solve_level(now.moves);
	else if (s->failed || is_over(level, s))
		say("This is not the goal. Undo (u) or restart (r).");
}

static void undo(void)
{
	static struct history before;

	if (!now.moves)
		say("There is no move to undo.");
	before = now;
	restart();
	for (int i = 0; i + 1 < before.moves; i++) {
		history_step(level, &now, before.schedule[i] - 'A');
		real_step(&now);
	}
}

static void hint(void)
{
	struct known *k = known_of(level);
	struct solution rest;

	if (solved) {
		say("This level is solved.");
		return;
	}
	if (k->solution.complete && !k->solution.found) {
		k->tries.hints++;
		say("Do you think that it cannot happen? Then press x.");
		return;
	}
	if (k->tries.hints < level->hint_count) {
		say("Hint %d: %s", k->tries.hints + 1, level->hints[k->tries.hints]);
		k->tries.hints++;
		return;
	}
	rest = solve_from(level, &now);
	if (rest.found) {
		say("Run %c next: then %d moves are left.", rest.schedule[0], rest.moves - 1);
		k->tries.hints++;
	} else {
		say("From here no schedule reaches the goal. Undo (u) or restart (r).");
	}
}

/* --- claims ----------------------------------------------------------------------------------- */

static void proven(void)
{
	mode = PLAYING;
	say("Right: a search of all schedules saw %d states, and none of them is the goal.\n",
	    known_of(level)->solution.states);
	solve_level(0);
}

static void claim(void)
{
	struct known *k = known_of(level);

	if (solved) {
		say("This level is solved.");
	} else if (k->solution.found) {
		k->tries.wrong++;
		say("No: there is a schedule that reaches the goal. This costs 5 points.");
	} else if (!k->solution.complete) {
		say("The search ended after %d states, so it cannot say if this is true.",
		    k->solution.states);
	} else if (level->reason_count) {
		mode = ASKED;
	} else {
		proven();
	}
}

static void reason(int key)
{
	if (key == 'u' || key == LAB_KEY_ESCAPE) {
		mode = PLAYING;
	} else if (key < '1' || key >= '1' + level->reason_count) {
		say("Press 1 to %d; u: back to the level.", level->reason_count);
	} else if (key - '1' == level->right_reason) {
		proven();
	} else {
		known_of(level)->tries.wrong++;
		say("No: %s This is not the reason, and costs 5 points.",
		    level->reasons[key - '1']);
	}
}

/* --- drawing ---------------------------------------------------------------------------------- */

static void draw_cell(int t, int row, int column)
{
	const struct state *s = &now.states[now.moves];
	const struct thread *thread = &level->threads[t];
	const struct line *line = &thread->lines[row];
	bool here = s->at[t] == row && row <= thread->count, runs = can_run(level, s, t);
	char mark = s->failed == 1 + t	     ? '!'
		    : has_ended(level, s, t) ? ' '
		    : s->asleep[t]	     ? 'z'
		    : runs		     ? '>'
					     : 'x';
	enum lab_colour colour = !here	       ? LAB_DIM
				 : runs	       ? LAB_GOOD
				 : mark == ' ' ? LAB_PLAIN
					       : LAB_BAD;
	char text[128] = "";

	if (row < thread->count)
		snprintf(text, sizeof(text), "%*s%.*s%s", line->indent, "", line->length,
			 line->text, here && s->relock[t] && !s->asleep[t] ? " again" : "");
	else if (row == thread->count)
		strcpy(text, "(end)");
	put(colour, " %c %-*.*s", here ? mark : ' ', column - 3, column - 3, text);
}

/* The lines of the longest thread, with "(end)". */
static int code_lines(void)
{
	int lines = 0;

	for (int t = 0; t < level->thread_count; t++)
		if (level->threads[t].count + 1 > lines)
			lines = level->threads[t].count + 1;
	return lines;
}

/* The code has at most `room` lines; each thread shows the lines around its next one. */
static void draw_code(int room)
{
	int column = (width - 1) / level->thread_count, first[MAX_THREADS], lines = code_lines();

	if (column > 40)
		column = 40;
	for (int t = 0; t < level->thread_count; t++) {
		int last = level->threads[t].count + 1 - room;

		first[t] = now.states[now.moves].at[t] - room / 2;
		first[t] = first[t] < last ? first[t] : last;
		first[t] = first[t] > 0 ? first[t] : 0;
		put(LAB_BOLD, "   %s%-*c", level->thread_count < 4 ? "thread " : "",
		    column - (level->thread_count < 4 ? 10 : 3), 'A' + t);
	}
	newline();
	for (int row = 0; row < lines && row < room; row++) {
		for (int t = 0; t < level->thread_count; t++)
			draw_cell(t, first[t] + row, column);
		newline();
	}
}

static void draw_reasons(bool count_only, int *lines)
{
	char text[300];

	*lines += paragraph(LAB_BOLD, "Why can it not happen?", count_only);
	for (int i = 0; i < level->reason_count; i++) {
		snprintf(text, sizeof(text), "%d: %s", i + 1, level->reasons[i]);
		*lines += paragraph(LAB_PLAIN, text, count_only);
	}
}

/* Prints an empty line if there is room for one. */
static void gap(int *spare)
{
	if (live && (*spare)-- <= 0)
		return;
	newline();
}

static void draw_level(void)
{
	static const char keys[] =
	    "u undo  r restart  h hint  x impossible  n next  l list  ? help  q leave";
	const struct state *s = &now.states[now.moves];
	const char *locals = locals_text(level, s);
	char title[160], task[600], moves[MAX_MOVES + 80];
	bool story = level->story && !solved && mode != ASKED;
	int used = 4, spare; /* title, heading of the code, two lines of keys */

	snprintf(title, sizeof(title), "%d of %d: %s", (int)(level - levels) + 1, level_count,
		 level->title);
	snprintf(task, sizeof(task), "GOAL: %s", level->task);
	snprintf(moves, sizeof(moves), "Moves: %s%s",
		 now.moves > 60 ? "..."
		 : now.moves	? ""
				: "-",
		 now.schedule + (now.moves > 60 ? now.moves - 60 : 0));
	if (now.moves)
		snprintf(moves + strlen(moves), 20, " (%d)", now.moves);
	used += story ? paragraph(LAB_PLAIN, level->story, true) : 0;
	used += paragraph(LAB_BOLD, task, true) + paragraph(LAB_PLAIN, memory_text(level, s), true);
	used += paragraph(LAB_PLAIN, locals, true) + paragraph(LAB_PLAIN, moves, true);
	used += paragraph(LAB_WARN, message, true);
	if (mode == ASKED)
		draw_reasons(true, &used);
	spare = rows - used - code_lines();
	put(LAB_BOLD, "%-*s", width > 40 ? width - 24 : 0, title);
	put(LAB_PLAIN, "  %3d of %d points", all_points(), 10 * level_count);
	newline();
	gap(&spare);
	if (story)
		paragraph(LAB_PLAIN, level->story, false);
	paragraph(LAB_BOLD, task, false);
	gap(&spare);
	draw_code(live ? (rows - used > 3 ? rows - used : 3) : MAX_LINES + 1);
	gap(&spare);
	paragraph(LAB_PLAIN, memory_text(level, s), false);
	paragraph(LAB_PLAIN, locals_text(level, s), false);
	paragraph(LAB_PLAIN, moves, false);
	gap(&spare);
	paragraph(solved ? LAB_GOOD : LAB_WARN, message, false);
	if (mode == ASKED)
		draw_reasons(false, &used);
	if (!live)
		return;
	while (spare > 0)
		gap(&spare); /* the keys are the last lines of the screen */
	put(LAB_DIM, "a%s%c run a line of that thread (> can run, x waits, z sleeps)",
	    level->thread_count == 2 ? " " : " to ", 'a' + level->thread_count - 1);
	newline();
	put(LAB_DIM, "%s", keys);
	newline();
}

static void draw_help(void)
{
	put(LAB_BOLD, "You are the scheduler");
	newline();
	paragraph(
	    LAB_PLAIN,
	    "Each thread runs the line at its mark, and only when you choose it. A line is one "
	    "step: no other thread runs in the middle of it. Reach the goal with as few moves "
	    "as possible.\n"
	    "  >  the thread can run       x  it waits for a lock or a semaphore\n"
	    "  z  it sleeps                !  it has failed\n"
	    "  a b c d    run a line of that thread\n"
	    "  u  undo    r  restart the level\n"
	    "  h  hint: first the author's hints, then the next move of a shortest schedule\n"
	    "  x  claim that no schedule reaches the goal; every level takes this claim\n"
	    "  n  next level    p  previous level    l  list of the levels\n"
	    "  ?  this help     q  leave the lab: the report follows\n"
	    "A solved level gives 10 points, less 1 for each move above the best possible and "
	    "for each hint, less 5 for each wrong claim, and at least 1. A search of all "
	    "schedules computes the best.",
	    false);
	put_place();
	put(LAB_DIM, "Any key: back to the level; q: leave.");
	newline();
}

static void draw_list(void)
{
	int room = live ? rows - 5 : level_count, lines = (level_count + 1) / 2;

	if (width < 76 || level_count <= room)
		lines = level_count;
	put(LAB_BOLD, "The levels: %d of %d points", all_points(), 10 * level_count);
	newline();
	put_place();
	for (int i = 0; i < lines; i++) {
		/* If it does not fit: the lines around the selected one. */
		if (lines > room &&
		    (i < selected % lines - room / 2 || i >= selected % lines - room / 2 + room))
			continue;
		for (int j = i; j < level_count; j += lines) {
			char done[8] = "";

			if (progress_of(&levels[j]))
				snprintf(done, sizeof(done), "%d", points(&levels[j]));
			put(j == selected ? LAB_BOLD
			    : *done	  ? LAB_GOOD
					  : LAB_PLAIN,
			    "%c%3d %-28.28s %2s  ", j == selected ? '>' : ' ', j + 1,
			    levels[j].title, done);
		}
		newline();
	}
	if (*message)
		paragraph(LAB_WARN, message, false);
	put(LAB_DIM, live
			 ? "Up and Down (or p and n) and Enter: play that level; l: back; q: leave."
			 : "n, p: next, previous; l: play that level; q: leave.");
	newline();
}

static void draw(void)
{
	if (live)
		lab_live_begin(&width, &rows);
	if (mode == HELP)
		draw_help();
	else if (mode == LISTING)
		draw_list();
	else
		draw_level();
	if (live)
		lab_live_end();
	message[0] = 0;
}

/* --- keys ------------------------------------------------------------------------------------- */

static void unknown_key(int key)
{
	if (key == LAB_KEY_ESCAPE || key == '\f')
		return; /* only draw again */
	if (key >= LAB_KEY_UP && key <= LAB_KEY_LEFT)
		say("Cursor keys run no thread: press a to %c. ? lists all keys.",
		    'a' + level->thread_count - 1);
	else if (key > ' ' && key < 0x7F)
		say("'%c' does nothing here. ? lists all keys.", key);
	else
		say("This key does nothing here. ? lists all keys.");
}

static void in_list(int key)
{
	if (key == LAB_KEY_DOWN || key == 'n')
		selected = (selected + 1) % level_count;
	else if (key == LAB_KEY_UP || key == 'p')
		selected = (selected + level_count - 1) % level_count;
	else if (key == '\n' || key == '\r')
		open_level(&levels[selected]);
	else if (key == 'l' && !live)
		open_level(&levels[selected]);
	else if (key == 'l' || key == LAB_KEY_ESCAPE)
		mode = PLAYING;
	else
		say("Up, Down and Enter choose a level; l: back; q: leave.");
}

static void in_level(int key)
{
	int at = level - levels;

	if (key >= 'a' && key < 'a' + level->thread_count)
		run_thread(key - 'a');
	else if (key >= 'b' && key < 'a' + MAX_THREADS)
		say("This level has no thread %c.", toupper(key));
	else if (key == 'u')
		undo();
	else if (key == 'r')
		restart();
	else if (key == 'h')
		hint();
	else if (key == 'x')
		claim();
	else if (key == 'n' || key == 'p')
		open_level(&levels[(at + (key == 'n' ? 1 : level_count - 1)) % level_count]);
	else if (key == 'l')
		mode = LISTING;
	else if (key == '?')
		mode = HELP;
	else
		unknown_key(key);
	selected = level - levels;
}

static void handle(int key)
{
	if (key < 0x80)
		key = tolower(key);
	if (key == 'q')
		mode = LEFT;
	else if (!key)
		; /* the size of the screen changed */
	else if (mode == HELP)
		mode = PLAYING;
	else if (mode == LISTING)
		in_list(key);
	else if (mode == ASKED)
		reason(key);
	else
		in_level(key);
}

/* Without escape sequences: a line of keys, then the screen as text. */
static void play_lines(void)
{
	char line[256];

	width = 78;
	printf("Type keys and Enter: a, b, ... run a thread; ? helps; q leaves.\n\n");
	while (mode != LEFT) {
		draw();
		printf("> ");
		fflush(stdout);
		if (!fgets(line, sizeof(line), stdin))
			break;
		putchar('\n');
		for (char *c = line; *c && mode != LEFT; c++) {
			if (isspace((unsigned char)*c))
				continue;
			message[0] = 0;
			handle((unsigned char)*c);
		}
	}
}

void play(const struct level *first)
{
	known = calloc(level_count, sizeof(*known));
	if (!known)
		lab_die("out of memory");
	live = lab_live_open();
	open_level(first);
	say("a and b run the threads; ? helps.");
	if (live)
		while (mode != LEFT) {
			draw();
			handle(lab_live_key(-1));
		}
	else
		play_lines();
	if (live)
		lab_live_close();
	real_end();
	free(known);
}
