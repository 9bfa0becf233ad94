/* SPDX-License-Identifier: MIT
 *
 * States and outcomes in words.
 */
#include "drive.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A text that is built piece by piece; what does not fit is cut. */
struct text {
	char bytes[512];
	size_t length;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *text, const char *format, ...)
{
	va_list args;
	size_t room = sizeof(text->bytes) - text->length;
	int n;

	va_start(args, format);
	n = vsnprintf(text->bytes + text->length, room, format, args);
	va_end(args);
	text->length += (size_t)n < room ? (size_t)n : room - 1;
}

static void add_values(struct text *text, const struct name *name, const struct state *s)
{
	add(text, "%s = ", name->text);
	for (int c = 0; c < name->count; c++)
		add(text, "%s%d", c ? " " : "", s->cells[name->cell + c]);
}

/* Who holds a read-write lock: "B writes", "A C read" */
static void add_rwlock(struct text *text, const struct name *name, const signed char *cell)
{
	if (!cell[0] && !cell[1])
		add(text, "%s: free", name->text);
	else if (cell[0])
		add(text, "%s: %c writes", name->text, 'A' + cell[0] - 1);
	else
		add(text, "%s:", name->text);
	for (int t = 0; t < MAX_THREADS; t++)
		if (cell[1] >> t & 1)
			add(text, " %c", 'A' + t);
	if (cell[1])
		add(text, " read%s", cell[1] & (cell[1] - 1) ? "" : "s");
}

const char *memory_text(const struct level *level, const struct state *s)
{
	static struct text text;

	text = (struct text){.length = 0};
	for (int i = 0; i < level->name_count; i++) {
		const struct name *name = &level->names[i];
		const signed char *cell = &s->cells[name->cell];
		int sleepers = 0;

		if (name->kind == LOCAL)
			continue;
		add(&text, "%s", text.length ? ", " : "");
		for (int t = 0; t < level->thread_count; t++)
			sleepers += s->asleep[t] == 1 + i;
		if (name->kind == VARIABLE || name->kind == SEMAPHORE)
			add_values(&text, name, s);
		else if (name->kind == LOCK && *cell)
			add(&text, "%s: %c", name->text, 'A' + *cell - 1);
		else if (name->kind == LOCK)
			add(&text, "%s: free", name->text);
		else if (name->kind == RWLOCK)
			add_rwlock(&text, name, cell);
		else if (name->kind == BARRIER)
			add(&text, "%s: %d of %d", name->text, sleepers, name->start[0]);
		else
			add(&text, "%s: %d asleep", name->text, sleepers);
	}
	return text.bytes;
}

const char *locals_text(const struct level *level, const struct state *s)
{
	static struct text text;

	text = (struct text){.length = 0};
	for (int i = 0; i < level->name_count; i++) {
		if (level->names[i].kind != LOCAL)
			continue;
		add(&text, "%s%c.", text.length ? ", " : "", 'A' + level->names[i].thread);
		add_values(&text, &level->names[i], s);
	}
	return text.bytes;
}

const char *state_text(const struct level *level, const struct state *s)
{
	static struct text text;

	text = (struct text){.length = 0};
	for (int t = 0; t < level->thread_count; t++)
		add(&text, "%s%c %d %d %d %d%s", t ? " " : "", 'A' + t, s->at[t], s->asleep[t],
		    s->rank[t], s->relock[t], can_run(level, s, t) ? "+" : "");
	add(&text, " failed %d %d cells", s->failed, s->why);
	for (int c = 0; c < level->cell_count; c++)
		add(&text, " %d", s->cells[c]);
	add(&text, "%s%s", is_over(level, s) ? " over" : "", is_stuck(level, s) ? " stuck" : "");
	return text.bytes;
}

const char *why_not(const struct level *level, const struct state *s, int t)
{
	static struct text text;
	const struct line *line = next_line(level, s, t);
	int object = s->asleep[t]   ? s->asleep[t] - 1
		     : s->relock[t] ? s->relock[t] - 1
				    : line->target;
	const struct name *name = &level->names[object < 0 ? 0 : object];

	text = (struct text){.length = 0};
	if (s->failed)
		add(&text, "The program has failed. Undo (u) or restart (r).");
	else if (has_ended(level, s, t))
		add(&text, "Thread %c has ended.", 'A' + t);
	else if (s->asleep[t])
		add(&text, "Thread %c %s %s.", 'A' + t,
		    name->kind == BARRIER ? "waits at barrier" : "sleeps on condition", name->text);
	else if (name->kind == LOCK)
		add(&text, "Thread %c waits for lock %s, which %c holds.", 'A' + t, name->text,
		    'A' + s->cells[name->cell] - 1);
	else
		add(&text, "Thread %c waits for %s.", 'A' + t, name->text);
	return text.bytes;
}

static void add_failure(struct text *text, const struct level *level, const struct state *s)
{
	static const char *const whys[] = {[ASSERTION] = "the condition of assert() is false",
					   [NOT_OWNER] = "it does not hold what it releases",
					   [OUT_OF_RANGE] = "an index or a value is out of range"};
	const struct line *line = next_line(level, s, s->failed - 1);

	add(text, "Thread %c failed at %.*s: %s.", 'A' + s->failed - 1, line->length, line->text,
	    whys[(int)s->why]);
}

const char *outcome_text(const struct level *level, const struct history *h)
{
	static struct text text;
	const struct state *s = &h->states[h->moves];
	int waiting = 0, asleep = 0;

	text = (struct text){.length = 0};
	for (int t = 0; t < level->thread_count; t++) {
		waiting += !has_ended(level, s, t);
		asleep += s->asleep[t] != 0;
	}
	if (s->failed)
		add_failure(&text, level, s);
	else if (is_stuck(level, s) && asleep == waiting)
		add(&text, "%d of %d threads sleep for ever.", waiting, level->thread_count);
	else if (is_stuck(level, s))
		add(&text, "%d of %d threads wait for ever.", waiting, level->thread_count);
	else if (level->for_ever >= 0 && goal_reached(level, h))
		add(&text,
		    "The program was in this state before: it can go on like this for ever.");
	else if (is_over(level, s))
		add(&text, "All threads have ended.");
	else
		add(&text, "%d of %d threads have not ended.", waiting, level->thread_count);
	return text.bytes;
}
