/* SPDX-License-Identifier: MIT
 *
 * Draws a trace: one row for each CPU, one column for each step of time, one letter for each
 * thread.
 */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

struct picture {
	const struct lab_trace *trace;
	uint64_t start, step; /* time of the first column; length of a column */
	int columns;
};

static char *row_of(const struct picture *p, char fill)
{
	char *row = must(malloc(p->columns + 1));

	memset(row, fill, p->columns);
	row[p->columns] = 0;
	return row;
}

static int column_of(const struct picture *p, uint64_t ns)
{
	return ns < p->start || (ns - p->start) / p->step >= (uint64_t)p->columns
		   ? -1
		   : (int)((ns - p->start) / p->step);
}

static uint64_t in_column(const struct picture *p, const struct lab_slice *s, int column)
{
	uint64_t start = p->start + column * p->step, end = start + p->step;

	start = s->start_ns > start ? s->start_ns : start;
	end = s->end_ns < end ? s->end_ns : end;
	return end > start ? end - start : 0;
}

/* Each column shows the thread with a letter that ran longest in it, if it ran for at least a
 * twentieth of the step; else '-' if threads without a letter ran for at least half of it. */
static char *row_of_cpu(const struct picture *p, int cpu)
{
	char *row = row_of(p, '.');
	uint64_t(*most)[2] = must(calloc(p->columns, sizeof(*most)));

	for (int i = 0; i < p->trace->slice_count; i++) {
		const struct lab_slice *s = &p->trace->slices[i];
		uint64_t last = s->end_ns < p->start ? 0 : (s->end_ns - p->start) / p->step;
		char letter = trace_letter(p->trace, s->tid);

		if (s->cpu != cpu || s->end_ns <= p->start)
			continue;
		for (int c = s->start_ns > p->start ? (s->start_ns - p->start) / p->step : 0;
		     c < p->columns && (uint64_t)c <= last; c++) {
			uint64_t time = in_column(p, s, c), *longest = &most[c][!letter];

			if (!letter)
				time = *longest += time;
			if (letter && time > *longest && time >= p->step / 20) {
				*longest = time;
				row[c] = letter;
			} else if (!letter && row[c] == '.' && time >= p->step / 2) {
				row[c] = '-';
			}
		}
	}
	free(most);
	return row;
}

/* Marks each switch: '#' if the page-table root changed, ':' if not. */
static char *row_of_switches(const struct picture *p, int cpu)
{
	char *row = row_of(p, ' ');

	for (int i = 0; i < p->trace->slice_count; i++) {
		const struct lab_slice *s = &p->trace->slices[i];
		int c = column_of(p, s->start_ns);

		/* Leave out the thread that ran before the recording began. */
		if (s->cpu == cpu && c >= 0 && row[c] != '#' &&
		    (s->start_ns > p->trace->start_ns || s->new_root))
			row[c] = s->new_root ? '#' : ':';
	}
	return row;
}

/* The threads that were woken, or with `first` those that then ran before others. */
static char *row_of_wakes(const struct picture *p, bool first)
{
	char *row = row_of(p, ' ');

	for (int i = p->trace->from; i < p->trace->to; i++) {
		const struct event *e = &p->trace->events[i];
		bool shown = first ? e->kind == EVENT_SWITCH && e->first : e->kind == EVENT_WAKE;
		char letter = shown ? trace_letter(p->trace, e->other) : 0;
		int c = column_of(p, e->ns);

		if (letter && c >= 0)
			row[c] = row[c] == ' ' || row[c] == letter ? letter : '*';
	}
	return row;
}

/* Who has the lock: in each column the thread that held it longest. */
static char *row_of_holders(const struct picture *p, const char *what)
{
	char *row = row_of(p, '.');
	uint64_t *most = must(calloc(p->columns, sizeof(*most)));

	for (int i = 0; i < p->trace->hold_count; i++) {
		const struct hold *h = &p->trace->holds[i];
		struct lab_slice s = {.start_ns = h->start_ns, .end_ns = h->end_ns};
		char letter = trace_letter(p->trace, h->tid);

		if (strcmp(h->what, what) != 0)
			continue;
		for (int c = 0; c < p->columns; c++) {
			uint64_t time = in_column(p, &s, c);

			if (time > most[c]) {
				most[c] = time;
				row[c] = letter ? letter : '-';
			}
		}
	}
	free(most);
	return row;
}

static bool is_letter(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* Prints the row unless it is empty, and frees it. */
static void put_row(const char *label, char *row)
{
	char now = ' ';

	for (size_t n = strlen(row); n && row[n - 1] == ' ';)
		row[--n] = 0;
	if (*row) {
		put_padded(label, 7, false);
		for (const char *c = row; *c; c++) {
			if (*c != now && is_letter(*c))
				put_letter_colour(*c);
			else if (*c != now && is_letter(now))
				put_colour(PLAIN);
			now = *c;
			put((char[]){*c, 0});
		}
		put_colour(PLAIN);
		put("\n");
	}
	free(row);
}

static void put_scale(const struct picture *p)
{
	uint64_t whole = p->columns * p->step;
	uint64_t unit = whole < 10000 ? 1 : whole < 10000000 ? 1000 : 1000000;
	char *row = row_of(p, ' ');
	char text[32];

	for (int c = 0; c < p->columns; c += 10) {
		int n = snprintf(text, sizeof(text), "%g", (double)(c * p->step) / unit);

		if (c + n < p->columns)
			memcpy(row + c, text, n);
	}
	put_row(unit == 1 ? "ns" : unit == 1000 ? (screen.glyphs ? "µs" : "us") : "ms", row);
}

static void put_marks(const struct picture *p, int most)
{
	char *row = row_of(p, ' ');
	int number = 0;

	for (int pass = 0; pass < 2; pass++) {
		for (int i = p->trace->from + 1; i < p->trace->to && number < most; i++) {
			const struct event *e = &p->trace->events[i];
			int c = column_of(p, e->ns);

			if (e->kind != EVENT_MARK || c < 0 || mark_is_hold(e->text))
				continue;
			number++;
			if (pass == 0)
				row[c] = '0' + number % 10;
			else
				put_format("  mark %d: %.60s\n", number, e->text);
		}
		if (pass == 0)
			put_row("marks", row);
		number = 0;
	}
}

/* Writes name, TID and running time of a letter's thread.  Returns the length; 0: no thread. */
static int entry_of(const struct picture *p, char letter, char entry[64])
{
	int length = 0;

	for (int i = 0; i < p->trace->name_count; i++) {
		const struct thread_name *n = &p->trace->names[i];
		uint64_t ran = n->letter == letter ? lab_trace_ran(p->trace, n->tid) : 0;

		if (ran)
			length =
			    snprintf(entry, 64, " %s (%d) %.3g ms", n->name, n->tid, ran / 1e6);
	}
	return length;
}

static void put_legend(const struct picture *p, int lines)
{
	int at = 0, width = p->columns + 7 > 70 ? p->columns + 7 : 70;

	for (char letter = 'A'; letter <= 'z'; letter++) {
		char entry[64];
		int length = is_letter(letter) ? entry_of(p, letter, entry) : 0;

		if (!length)
			continue;
		if (at && at + length + 3 > width) {
			put("\n");
			at = 0;
			if (--lines <= 0)
				return;
		}
		put(at ? "  " : "");
		put_letter_colour(letter);
		put((char[]){letter, 0});
		put_colour(PLAIN);
		put(entry);
		at += length + 3;
	}
	put(at ? "\n" : "");
}

/* Sets the part of the trace in which threads with letters ran; all of it if there are none. */
static void window(struct picture *p, bool whole, uint64_t *end)
{
	uint64_t first = UINT64_MAX, last = 0;

	for (int i = 0; i < p->trace->slice_count; i++) {
		const struct lab_slice *s = &p->trace->slices[i];

		if (!trace_letter(p->trace, s->tid))
			continue;
		first = s->start_ns < first ? s->start_ns : first;
		last = s->end_ns > last ? s->end_ns : last;
	}
	p->start = whole || !last ? p->trace->start_ns : first;
	*end = whole || !last ? p->trace->end_ns : last;
}

void timeline_show(const struct lab_trace *trace, bool whole, int max_rows)
{
	static const uint64_t steps[] = {10, 15, 20, 30, 40, 50, 60, 80};
	struct picture p = {.trace = trace, .step = 1};
	int most = screen.width - 8, cpus = trace->cpus;
	bool markers = true;
	uint64_t end, scale = 1;

	window(&p, whole, &end);
	if (end <= p.start) {
		put("  nothing was recorded\n");
		return;
	}
	for (int i = 0; (end - p.start + p.step - 1) / p.step > (uint64_t)most; i++) {
		if (i > 0 && i % 8 == 0)
			scale *= 10;
		p.step = scale * steps[i % 8];
	}
	p.columns = (end - p.start + p.step - 1) / p.step;
	if (max_rows && 2 * cpus + 6 > max_rows)
		markers = false;
	if (max_rows && cpus + 6 > max_rows)
		cpus = max_rows > 7 ? max_rows - 6 : 1;
	put_scale(&p);
	for (int cpu = 0; cpu < cpus; cpu++) {
		char label[16];

		snprintf(label, sizeof(label), "CPU %d", cpu);
		put_row(label, row_of_cpu(&p, cpu));
		if (markers)
			put_row("", row_of_switches(&p, cpu));
	}
	if (cpus < trace->cpus)
		put_format("  and %d more CPUs\n", trace->cpus - cpus);
	for (const char *what = NULL; (what = trace_next_held(trace, what));)
		put_row(what, row_of_holders(&p, what));
	put_row("woken", row_of_wakes(&p, false));
	put_row("first", row_of_wakes(&p, true));
	put_marks(&p, max_rows ? 2 : 9);
	put_legend(&p, max_rows ? max_rows - cpus * (1 + markers) - 5 : 1000);
	put(". idle   - other threads   : switch   # switch to another address space\n");
	if (trace->lost)
		put_format("%llu earlier events were overwritten: the rings were full.\n",
			   (unsigned long long)trace->lost);
}
