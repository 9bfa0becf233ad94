/* SPDX-License-Identifier: MIT
 *
 * Programs: made, changed, printed and read.
 */
#include "fuzz.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static bool dangerous(const struct call *c)
{
	return c->arguments[0] == '!';
}

static void argument_remake(struct program *p, int line, int which)
{
	struct line *l = &p->lines[line];
	const char *t = calls[l->call].arguments, *end;

	t += dangerous(&calls[l->call]);
	for (int i = 0; i < MAX_ARGS; i++) {
		l->args[i][0] = which < 0 || which == i ? '\0' : l->args[i][0];
		if (!*t)
			continue;
		end = strchrnul(t, ' ');
		if (which < 0 || which == i)
			argument_make(l->args[i], t, (size_t)(end - t), line);
		t = *end ? end + 1 : end;
	}
}

static void line_make(struct program *p, int line)
{
	struct line *l = &p->lines[line];

	do
		l->call = (int16_t)below((uint64_t)call_count);
	while (p->root && dangerous(&calls[l->call]));
	/* Most programs are one thread's. */
	l->lane = (uint8_t)(below(3) ? (line ? p->lines[line - 1].lane : 0) : below(LANES));
	argument_remake(p, line, -1);
}

void program_make(struct program *p)
{
	int count = 2 + (int)below(MAX_LINES - 3);

	memset(p, 0, sizeof(*p));
	p->root = below(4) == 0;
	p->repeat = (uint8_t)(below(3) ? 1 : 1 + below(8));
	for (int i = 0; i < count; i++) {
		p->count++;
		line_make(p, i);
	}
}

/* References r0, r1, ... in an argument: those from `line` on move by `by`. */
static void renumber(char arg[ARG_SIZE], int line, int by)
{
	char text[ARG_SIZE * 2];
	size_t n = 0;

	for (const char *a = arg; *a && n < sizeof(text) - 8;) {
		bool begins = a == arg || strchr("[,:^+-", a[-1]);
		int number;

		if (!begins || *a != 'r' || !isdigit((unsigned char)a[1])) {
			text[n++] = *a++;
			continue;
		}
		number = (int)strtol(a + 1, (char **)&a, 10);
		if (number >= line)
			number += by;
		n += (size_t)sprintf(text + n, number < 0 ? "-1" : "r%d", number);
	}
	text[n] = '\0';
	if (n < ARG_SIZE)
		strcpy(arg, text);
}

void line_remove(struct program *p, int line)
{
	memmove(&p->lines[line], &p->lines[line + 1],
		(size_t)(p->count - line - 1) * sizeof(p->lines[0]));
	p->count--;
	for (int i = line; i < p->count; i++)
		for (int k = 0; k < MAX_ARGS; k++)
			renumber(p->lines[i].args[k], line, -1);
}

static void line_insert(struct program *p, int line)
{
	if (p->count == MAX_LINES)
		return;
	memmove(&p->lines[line + 1], &p->lines[line],
		(size_t)(p->count - line) * sizeof(p->lines[0]));
	p->count++;
	for (int i = line + 1; i < p->count; i++)
		for (int k = 0; k < MAX_ARGS; k++)
			renumber(p->lines[i].args[k], line, 1);
	line_make(p, line);
}

/* Append the lines of another program. */
static void splice_in(struct program *p, const struct program *other)
{
	int first = p->count;

	if (other->root && !p->root)
		p->root = false;
	for (int i = 0; i < other->count && p->count < MAX_LINES; i++) {
		if (p->root && dangerous(&calls[other->lines[i].call]))
			continue;
		p->lines[p->count] = other->lines[i];
		for (int k = 0; k < MAX_ARGS; k++)
			renumber(p->lines[p->count].args[k], 0, first);
		p->count++;
	}
}

/* Another constant in the place of a number. */
static void change_number(char arg[ARG_SIZE])
{
	static const long deltas[] = {1, -1, 8, -8, 4096, -4096, 1L << 31, 1L << 47};
	char text[ARG_SIZE], *end;
	long value;

	if (!isdigit((unsigned char)arg[0]) && arg[0] != '-')
		return;
	value = (long)strtoul(arg, &end, 0);
	value += deltas[below(8)];
	if (below(8) == 0)
		value ^= (long)(1UL << below(64));
	snprintf(text, sizeof(text), "%#lx%s", (unsigned long)value, end);
	strcpy(arg, text);
}

void program_mutate(struct program *p, const struct program *other)
{
	for (int n = 1 + (int)below(3); n; n--) {
		int line = (int)below(p->count);

		switch (below(10)) {
		case 0:
			if (p->count > 1)
				line_remove(p, line);
			break;
		case 1:
			splice_in(p, other);
			break;
		case 2:
			p->repeat = (uint8_t)(1 + below(10));
			p->lines[line].lane = (uint8_t)below(LANES);
			break;
		case 3:
			change_number(p->lines[line].args[below(MAX_ARGS)]);
			break;
		case 4:
		case 5:
		case 6:
			line_insert(p, (int)below(p->count + 1UL));
			break;
		default:
			argument_remake(p, line, (int)below(MAX_ARGS));
		}
	}
}

size_t program_print(const struct program *p, char text[PROGRAM_TEXT])
{
	size_t n = (size_t)sprintf(text, "program %s %d\n", p->root ? "root" : "user", p->repeat);

	for (int i = 0; i < p->count; i++) {
		const struct line *l = &p->lines[i];

		if (n > PROGRAM_TEXT - MAX_ARGS * ARG_SIZE - 40)
			break;
		n += (size_t)sprintf(text + n, "%d %s", l->lane, calls[l->call].name);
		for (int k = 0; k < MAX_ARGS && l->args[k][0]; k++)
			n += (size_t)sprintf(text + n, " %s", l->args[k]);
		text[n++] = '\n';
	}
	text[n] = '\0';
	return n;
}

static bool line_parse(struct program *p, char *text)
{
	struct line *l = &p->lines[p->count];
	char *save, *lane = strtok_r(text, " ", &save), *name = strtok_r(NULL, " ", &save), *arg;
	int call = 0;

	memset(l, 0, sizeof(*l));
	while (name && call < call_count && strcmp(calls[call].name, name) != 0)
		call++;
	if (!name || call == call_count || lane[0] < '0' || lane[0] >= '0' + LANES)
		return false;
	l->lane = (uint8_t)(lane[0] - '0');
	l->call = (int16_t)call;
	for (int i = 0; i < MAX_ARGS && (arg = strtok_r(NULL, " ", &save)); i++)
		snprintf(l->args[i], ARG_SIZE, "%s", arg);
	return true;
}

const char *program_parse(struct program *p, const char *text)
{
	const char *start = text, *end;
	char line[MAX_ARGS * ARG_SIZE + 64], who[8];
	int repeat;

	while (strncmp(start, "program ", 8) != 0) {
		start = strchr(start, '\n');
		if (!start++)
			return NULL;
	}
	memset(p, 0, sizeof(*p));
	if (sscanf(start, "program %7s %d", who, &repeat) != 2 || repeat < 1 || repeat > 255)
		repeat = 1;
	p->root = strcmp(who, "root") == 0;
	p->repeat = (uint8_t)repeat;
	for (text = strchrnul(start, '\n'); *text; text = end) {
		text++;
		end = strchrnul(text, '\n');
		if (strncmp(text, "program ", 8) == 0)
			break;
		if (end == text || *text == '#')
			continue;
		snprintf(line, sizeof(line), "%.*s", (int)(end - text), text);
		if (p->count == MAX_LINES || !line_parse(p, line))
			printf("fuzz: line not understood: %.*s\n", (int)(end - text), text);
		else
			p->count++;
	}
	return text;
}
