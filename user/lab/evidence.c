/* SPDX-License-Identifier: MIT
 *
 * Keeps the evidence in the order in which a lab makes it; it is shown when the run has ended.
 */
#include "internal.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct report report = {.predicted = -1};
static struct evidence **last_evidence = &report.evidence;
static struct figure **last_figure = &report.figures;

void evidence_keep(struct evidence *e, enum evidence_kind kind, const char *title)
{
	e->kind = kind;
	if (!e->title)
		e->title = must(strdup(title ? title : ""));
	*last_evidence = e;
	last_evidence = &e->next;
}

/* Splits "a|b|c" into cells and frees it.  Returns the number of cells. */
static int split(char *text, struct lab_row *row)
{
	int count = 0;

	for (char *cell = text; cell && count < LAB_COLUMNS;) {
		char *end = strchr(cell, '|');

		if (end)
			*end++ = 0;
		row->cells[count++] = must(strdup(cell));
		cell = end;
	}
	free(text);
	return count;
}

struct lab_table *lab_table(const char *title, const char *columns)
{
	struct lab_table *table = must(calloc(1, sizeof(*table)));
	struct evidence *e = &table->e;

	e->columns = split(must(strdup(columns)), &e->heads);
	for (int i = 0; i < e->columns; i++) {
		char *head = e->heads.cells[i];

		e->right[i] = head[0] == '>';
		if (e->right[i])
			memmove(head, head + 1, strlen(head));
	}
	evidence_keep(e, TABLE, title);
	return table;
}

void lab_row(struct lab_table *table, const char *format, ...)
{
	struct evidence *e = &table->e;
	va_list args;
	struct lab_row *row;

	e->rows = must(realloc(e->rows, (e->count + 1) * sizeof(*e->rows)));
	row = &e->rows[e->count++];
	va_start(args, format);
	int cells = split(text_of_args(format, args), row);
	va_end(args);
	if (cells > e->columns)
		lab_die("table '%s': row %d has %d cells for %d columns", e->title, e->count, cells,
			e->columns);
	while (cells < e->columns)
		row->cells[cells++] = must(strdup(""));
}

struct lab_bars *lab_bars(const char *title, const char *unit)
{
	struct lab_bars *bars = must(calloc(1, sizeof(*bars)));

	bars->e.unit = must(strdup(unit));
	evidence_keep(&bars->e, BARS, title);
	return bars;
}

void lab_bar(struct lab_bars *bars, double value, const char *label, ...)
{
	struct evidence *e = &bars->e;
	va_list args;

	e->bars = must(realloc(e->bars, (e->count + 1) * sizeof(*e->bars)));
	va_start(args, label);
	e->bars[e->count++] = (struct lab_bar){text_of_args(label, args), value};
	va_end(args);
}

struct lab_bars *lab_parts(const char *title, double whole, const char *unit)
{
	struct lab_bars *parts = lab_bars(title, unit);

	parts->e.whole = whole;
	return parts;
}

void lab_part(struct lab_bars *parts, double value, const char *label)
{
	struct evidence *e = &parts->e;
	double sum = value, slack = e->whole * 1e-9;
	char number[32];

	for (int i = 0; i < e->count; i++)
		sum += e->bars[i].value;
	if (value >= 0 && sum <= e->whole + slack) {
		lab_bar(parts, value, "%s", label);
		return;
	}
	char *what = text_of("%s: %s", e->title, label);
	char *why = text_of("CANNOT BE SHOWN HERE: the measured difference, %s %s, is %s",
			    number_text(value, number), e->unit,
			    value < 0 ? "less than 0: it is smaller than the noise"
				      : "more than what the other parts leave of the whole");
	lab_left_out(what, why);
	free(what);
	free(why);
}

void lab_note(const char *format, ...)
{
	struct evidence *e = must(calloc(1, sizeof(*e)));
	va_list args;

	va_start(args, format);
	e->title = text_of_args(format, args);
	va_end(args);
	evidence_keep(e, NOTE, NULL);
}

void lab_left_out(const char *what, const char *why)
{
	struct evidence *e = must(calloc(1, sizeof(*e)));

	e->why = must(strdup(why));
	evidence_keep(e, LEFT_OUT, what);
}

void lab_timeline(struct lab_trace *trace, const char *title)
{
	struct evidence *e;

	if (!trace) {
		lab_left_out(title, "this system has no trace, or this user may not read it");
		return;
	}
	e = must(calloc(1, sizeof(*e)));
	e->trace = trace;
	trace_keep_text(trace);
	evidence_keep(e, TIMELINE, title);
}

void lab_figure(const char *name, double value, const char *unit, const char *meaning)
{
	struct figure *f = must(calloc(1, sizeof(*f)));

	f->name = must(strdup(name));
	f->unit = must(strdup(unit));
	f->meaning = must(strdup(meaning));
	f->value = value;
	*last_figure = f;
	last_figure = &f->next;
}

void lab_verdict(enum lab_verdict verdict, const char *format, ...)
{
	va_list args;

	if (report.has_verdict)
		lab_die("a second verdict: this is an error in the lab's program");
	report.has_verdict = true;
	report.verdict = verdict;
	va_start(args, format);
	report.text = text_of_args(format, args);
	va_end(args);
	load_look();
	checks_weigh_noise();
}

const char *verdict_key(enum lab_verdict verdict)
{
	static const char *const keys[] = {"true", "corrected", "false", "not_shown"};

	return keys[verdict];
}

/* The expected verdict is valid only if no check failed. */
bool report_ok(void)
{
	if (options_broken() || report.verdict == LAB_NOT_SHOWN)
		return true;
	return report.verdict == lab.expect &&
	       (report.checks_failed == 0 || lab.expect == LAB_FALSE);
}
