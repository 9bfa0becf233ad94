/* SPDX-License-Identifier: MIT
 *
 * Reads levels from a text.  docs/labs/drive-levels.md describes its form.
 */
#include "reader.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_LENGTH   250
#define LEVEL_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"

struct level *levels;
int level_count;

static char *joined(char *before, const char *more)
{
	size_t length = before ? strlen(before) : 0;
	char *text = realloc(before, length + strlen(more) + 2);

	if (!text)
		abort();
	sprintf(text + length, "%s%s", length ? " " : "", more);
	return text;
}

static void add_text(char **texts, int *count, const char *value)
{
	if (*count == MAX_TEXTS)
		read_fail("more than %d of these", MAX_TEXTS);
	else
		texts[(*count)++] = joined(NULL, value);
}

static void goal(const char *value)
{
	/* The goal names threads, which follow: only their count must be known, and it is read
	 * again when the level ends. */
	reader.thread = -1;
	reader.at = value;
	read_word();
	if (word_accept("for_ever")) {
		word_expect("(");
		reader.level->for_ever =
		    reader.word[0] && !reader.word[1] ? reader.word[0] - 'A' : -1;
		if (reader.level->for_ever < 0 ||
		    reader.level->for_ever >= reader.level->thread_count)
			read_fail("there is no thread '%s'", reader.word);
		read_word();
		word_expect(")");
	} else {
		reader.level->goal = expression_read(1);
	}
	word_none();
}

/* The checksum of a level changes with any of its lines. */
static void checksum(void)
{
	for (const char *c = reader.line; reader.level && c < reader.end; c++)
		reader.level->checksum = reader.level->checksum * 33 + (unsigned char)*c;
}

/* "story: ...".  Returns false if the line is no such text. */
static bool text_line(const char **goal_text, int *goal_line)
{
	static const char *const keys[] = {"title", "story", "task",   "goal",
					   "hint",  "learn", "reason", "no reason"};
	char value[LINE_LENGTH + 1];

	for (int i = 0; i < 8; i++) {
		size_t length = strlen(keys[i]);

		if (strncmp(reader.line, keys[i], length) != 0 || reader.line[length] != ':')
			continue;
		for (reader.at = reader.line + length + 1;
		     reader.at < reader.end && *reader.at == ' '; reader.at++)
			;
		if (reader.at == reader.end)
			read_fail("'%s:' has no text", keys[i]);
		snprintf(value, sizeof(value), "%.*s", (int)(reader.end - reader.at), reader.at);
		switch (i) {
		case 0:
			if (strlen(value) >= sizeof(reader.level->title))
				read_fail("a title of more than %d characters",
					  (int)sizeof(reader.level->title) - 1);
			snprintf(reader.level->title, sizeof(reader.level->title), "%.47s", value);
			break;
		case 1:
			reader.level->story = joined(reader.level->story, value);
			break;
		case 2:
			reader.level->task = joined(reader.level->task, value);
			break;
		case 3:
			*goal_text = reader.at;
			*goal_line = reader.number;
			break;
		case 4:
			add_text(reader.level->hints, &reader.level->hint_count, value);
			break;
		case 5:
			reader.level->learn = joined(reader.level->learn, value);
			break;
		default:
			if (i == 6 && reader.level->right_reason >= 0)
				read_fail("only one reason is the right one");
			if (i == 6)
				reader.level->right_reason = reader.level->reason_count;
			add_text(reader.level->reasons, &reader.level->reason_count, value);
		}
		return true;
	}
	return false;
}

/* "= 1 2 3", or nothing: zeros */
static void values(struct name *name)
{
	if (!word_accept("="))
		return;
	for (int i = 0; i < name->count && !reader.error[0]; i++)
		name->start[i] = word_number(-128, 127);
}

/* var x = 1, lock m, semaphore s = 2, ... */
static void declaration(void)
{
	static const struct {
		const char *text;
		enum kind kind;
		int cells;
	} words[] = {{"var", VARIABLE, 1},	  {"lock", LOCK, 1},
		     {"condition", CONDITION, 0}, {"semaphore", SEMAPHORE, 1},
		     {"barrier", BARRIER, 1},	  {"rwlock", RWLOCK, 2}};
	struct name *name;

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (!word_accept(words[i].text))
			continue;
		if (reader.level->thread_count)
			read_fail("declare this before the first thread");
		name = name_new(words[i].kind, -1, words[i].cells);
		if (words[i].kind == VARIABLE && word_accept("[")) {
			name->count = word_number(2, 8);
			if (reader.level->cell_count + name->count - 1 > MAX_CELLS)
				read_fail("more than %d values in memory", MAX_CELLS);
			reader.level->cell_count += name->count - 1;
			word_expect("]");
		}
		if (words[i].kind == VARIABLE) {
			values(name);
		} else if (words[i].kind == SEMAPHORE || words[i].kind == BARRIER) {
			word_expect("=");
			name->start[0] = words[i].kind == BARRIER ? word_number(2, MAX_THREADS)
								  : word_number(0, 100);
		}
		word_none();
		return;
	}
	read_fail("'%.*s' is not understood here",
		  (int)(reader.end - reader.line > 40 ? 40 : reader.end - reader.line),
		  reader.line);
}

/* "thread A B": both run the lines that follow.  Returns the bits of these threads. */
static unsigned int thread_line(void)
{
	unsigned int set = 0;

	do {
		char name = 'A' + reader.level->thread_count;

		if (reader.level->thread_count == MAX_THREADS)
			read_fail("more than %d threads", MAX_THREADS);
		else if (reader.word[0] != name || reader.word[1])
			read_fail("the next thread is %c, not '%s'", name, reader.word);
		if (reader.error[0])
			return 0;
		set |= 1u << reader.level->thread_count;
		reader.level->threads[reader.level->thread_count++].name = name;
		read_word();
	} while (*reader.word);
	return set;
}

/* The lines of the thread, or of the threads, that are read.  They are read once for each. */
static struct body_line {
	const char *line, *end;
	int number;
} body[2 * MAX_LINES];
static int body_count;
static unsigned int body_threads; /* bits */

static void body_line(struct thread *thread)
{
	reader.at = reader.line;
	read_word();
	if (!word_accept("local")) {
		statement_read(thread);
		return;
	}
	if (thread->count)
		read_fail("declare local variables before the first statement");
	values(name_new(LOCAL, reader.thread, 1));
	word_none();
}

/* Called when the lines of the threads have all been seen. */
static void body_end(void)
{
	struct reader after = reader;

	for (int t = 0; t < MAX_THREADS && !reader.error[0]; t++) {
		if (!(body_threads >> t & 1))
			continue;
		reader.thread = t;
		open_count = 0;
		for (int i = 0; i < body_count && !reader.error[0]; i++) {
			reader.line = body[i].line;
			reader.end = body[i].end;
			reader.number = body[i].number;
			body_line(&reader.level->threads[t]);
		}
		if (open_count)
			read_fail("thread %c ends, and a '{' is not closed", 'A' + t);
		else if (!reader.level->threads[t].count)
			read_fail("thread %c has no statement", 'A' + t);
		for (int i = reader.level->threads[t].count - 1; i >= 0; i--)
			reader.level->threads[t].lines[i].indent -= indent_of(body[0].line);
	}
	memcpy(after.error, reader.error, sizeof(reader.error));
	reader = after;
	body_threads = 0;
	body_count = 0;
}

static void level_end(const char *goal_text, int goal_line, int first_line)
{
	struct reader after = reader;
	struct level *level = reader.level;

	if (!level || reader.error[0])
		return;
	reader.number = first_line;
	if (!level->thread_count)
		read_fail("level '%s' has no thread", level->name);
	if (!goal_text || !level->task)
		read_fail("level '%s' has no '%s:' line", level->name, goal_text ? "task" : "goal");
	if (!*level->title)
		snprintf(level->title, sizeof(level->title), "%s", level->name);
	if (level->reason_count && level->right_reason < 0)
		read_fail("level '%s' has no 'reason:' line, only wrong ones", level->name);
	if (!reader.error[0]) {
		reader.number = goal_line;
		reader.end = goal_text + strcspn(goal_text, "\r\n#");
		goal(goal_text);
	}
	memcpy(after.error, reader.error, sizeof(reader.error));
	reader = after;
}

/* The rest of a line "level NAME" */
static void level_line(void)
{
	int length = strspn(reader.at - strlen(reader.word), LEVEL_LETTERS);
	const char *name = reader.at - strlen(reader.word);

	if (!length || name + length != reader.end || length >= (int)sizeof(reader.level->name)) {
		read_fail("a level needs a name of at most %d letters, digits and '-'",
			  (int)sizeof(reader.level->name) - 1);
		return;
	}
	levels = realloc(levels, sizeof(*levels) * (level_count + 1));
	if (!levels)
		abort();
	reader.level = &levels[level_count];
	memset(reader.level, 0, sizeof(*reader.level));
	reader.level->goal = reader.level->for_ever = reader.level->right_reason = -1;
	reader.level->checksum = 5381;
	memcpy(reader.level->name, name, length);
	if (level_named(reader.level->name))
		read_fail("there is a level '%s' already", reader.level->name);
	level_count++;
}

/* Sets reader.line and reader.end to the line at `text`, without its comment and the spaces at its
 * end. */
static bool cut_line(const char *text)
{
	reader.line = text;
	reader.end = text + strcspn(text, "\n#");
	while (reader.end > reader.line && isspace((unsigned char)reader.end[-1]))
		reader.end--;
	for (const char *c = reader.line; c < reader.end; c++)
		if (iscntrl((unsigned char)*c) && *c != '\t')
			read_fail("a control character");
	if (reader.end - reader.line > LINE_LENGTH)
		read_fail("a line of more than %d characters", LINE_LENGTH);
	return reader.end > reader.line;
}

/* A line that belongs to a thread. */
static void keep_body_line(void)
{
	if (!body_threads)
		read_fail("an indented line outside of a thread");
	else if (body_count == 2 * MAX_LINES)
		read_fail("more than %d lines in a thread", MAX_LINES);
	else
		body[body_count++] = (struct body_line){reader.line, reader.end, reader.number};
}

const char *levels_read(const char *text, const char *file)
{
	const char *goal_text = NULL;
	int goal_line = 0, first_line = 0;

	reader = (struct reader){.file = file};
	levels = NULL;
	level_count = body_count = 0;
	body_threads = 0;
	for (const char *at = text; *at && !reader.error[0];
	     at += strcspn(at, "\n"), at += *at == '\n') {
		reader.number++;
		if (!cut_line(at))
			continue;
		if (*at == ' ' || *at == '\t') {
			checksum();
			keep_body_line();
			continue;
		}
		body_end();
		reader.at = reader.line;
		read_word();
		if (word_accept("level")) {
			level_end(goal_text, goal_line, first_line);
			goal_text = NULL;
			first_line = reader.number;
			level_line();
			continue;
		}
		checksum();
		if (!reader.level)
			read_fail("the first line must be 'level NAME'");
		else if (text_line(&goal_text, &goal_line))
			;
		else if (word_accept("thread"))
			body_threads = thread_line();
		else
			declaration();
	}
	body_end();
	level_end(goal_text, goal_line, first_line);
	if (!level_count)
		read_fail("there is no level in this file");
	return reader.error[0] ? reader.error : NULL;
}

const struct level *level_named(const char *name)
{
	for (int i = 0; i < level_count; i++)
		if (strcmp(levels[i].name, name) == 0)
			return &levels[i];
	return NULL;
}
