/* SPDX-License-Identifier: MIT
 *
 * The report as text for a person.
 */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

void show_heading(void)
{
	put_colour(BOLD);
	put_format("\nlab %s\n", lab.name);
	put_colour(PLAIN);
	put_rule();
	put_paragraph("The notes say: ", 15, lab.claim);
	if (lab.loose && *lab.loose)
		put_paragraph("Imprecise:     ", 15, lab.loose);
	put("\n");
}

static void show_choice(int i)
{
	char first[8] = {' ', ' ', 'a' + i, ')', ' '};

	put_paragraph(first, 5, lab.predict.choices[i]);
}

int show_question(void)
{
	char *prompt, *keys, key;
	int count = 0;

	if (!lab.predict.question)
		return -1;
	put_colour(BOLD);
	put_paragraph("", 0, lab.predict.question);
	put_colour(PLAIN);
	while (count < 4 && lab.predict.choices[count])
		show_choice(count++);
	prompt = text_of("Your guess: a to %c; Enter: no guess; q: leave. ", 'a' + count - 1);
	keys = text_of("%.*s\nq", count, "abcd");
	key = key_choose(prompt, keys);
	free(prompt);
	free(keys);
	put_format("%c\n", key == '\n' ? ' ' : key);
	if (key == 'q')
		exit(LAB_LEFT);
	put("\n");
	return key == '\n' ? -1 : key - 'a';
}

/* --- progress ----------------------------------------------------------------------------------
 */

static bool progress_shown;

void lab_progress(const char *what, int done, int total)
{
	static uint64_t last;
	uint64_t now = lab_now_ns();

	if (!screen.overwrites || lab_options.json || in_child() || now - last < 100000000)
		return;
	last = now;
	progress_shown = true;
	printf("\r\033[K%.60s", what);
	if (total > 0)
		printf(" %d of %d", done, total);
	fflush(stdout);
}

void show_progress_end(void)
{
	if (progress_shown)
		printf("\r\033[K");
	progress_shown = false;
}

/* --- the report ---------------------------------------------------------------------------------
 */

static void show_title(const struct evidence *e)
{
	put_colour(BOLD);
	put_paragraph("", 0, e->title);
	put_colour(PLAIN);
}

static void show_evidence(const struct evidence *e)
{
	char *text;

	switch (e->kind) {
	case TABLE:
		show_title(e);
		show_table(e);
		break;
	case BARS:
		show_title(e);
		show_bars(e);
		break;
	case TIMELINE:
		show_title(e);
		timeline_show(e->trace, false, 0);
		break;
	case NOTE:
		put_paragraph("", 0, e->title);
		break;
	case LEFT_OUT:
		text = text_of("%s: %s", e->title, e->why);
		put_paragraph("Left out: ", 10, text);
		free(text);
		break;
	case CHECK:
		return; /* show_checks() shows all checks together, at the end */
	}
	put("\n");
}

static void show_checks(void)
{
	bool any = false;

	for (const struct evidence *e = report.evidence; e; e = e->next) {
		if (e->kind != CHECK)
			continue;
		if (!any)
			put("The verdict depends on these checks:\n");
		any = true;
		put_colour(e->holds ? GOOD : BAD);
		put(e->holds ? "  √ " : "  x ");
		put_colour(PLAIN);
		put_paragraph(NULL, 4, e->title);
	}
	put(any ? "\n" : "");
}

static void show_prediction(void)
{
	int right = lab.predict.answer;

	if (!lab.predict.question || report.predicted < 0)
		return;
	put_format("You said %c; the expected answer is %c:\n", 'a' + report.predicted,
		   'a' + right);
	show_choice(right);
	if (lab.predict.why)
		put_paragraph("", 0, lab.predict.why);
	put("\n");
}

static void show_verdict(void)
{
	static const char *const words[] = {"TRUE HERE", "TRUE WITH A CORRECTION", "FALSE HERE",
					    "CANNOT BE SHOWN HERE"};
	static const enum colour colours[] = {GOOD, GOOD, WARN, WARN};

	put_rule();
	put_colour(BOLD);
	put_colour(colours[report.verdict]);
	put(words[report.verdict]);
	put_colour(PLAIN);
	put("\n");
	put_paragraph("", 0, report.text);
	if (report.timed && report.verdict != LAB_NOT_SHOWN && lab_load() >= LAB_BUSY) {
		char *busy = text_of(
		    "The machine was busy: the host or other programs took up to "
		    "%.0f %% of the CPU time. Single times of this run can be far too long.",
		    lab_load());

		put_paragraph("", 0, busy);
		free(busy);
	}
	if (!report_ok()) {
		put_colour(BAD);
		if (report.verdict != lab.expect)
			put_format("The expected verdict is: %s.  See the checks above.\n",
				   words[lab.expect]);
		else
			put("But a check failed, so this verdict is not valid: see the checks "
			    "above.\n");
		put_colour(PLAIN);
	}
	put_rule();
}

static void show_figures(void)
{
	struct evidence table = {.columns = 3, .heads = {{"Figure", "here", "Linux, same QEMU"}}};
	char number[32];
	double linux_value;

	table.right[1] = table.right[2] = true;
	table.columns = linux_figures_here() ? 3 : 2;
	for (const struct figure *f = report.figures; f; f = f->next) {
		struct lab_row *row;

		table.rows = must(realloc(table.rows, (table.count + 1) * sizeof(*table.rows)));
		row = &table.rows[table.count++];
		row->cells[0] = f->meaning;
		row->cells[1] =
		    text_of("%s%s%s", number_text(f->value, number), *f->unit ? " " : "", f->unit);
		row->cells[2] = linux_figure(f->name, &linux_value)
				    ? text_of("%s%s%s", number_text(linux_value, number),
					      *f->unit ? " " : "", f->unit)
				    : text_of("-");
	}
	if (table.count)
		show_table(&table);
	if (lab.books)
		put_paragraph("  Textbooks: ", 13, lab.books);
	put("\n");
}

static void show_where_next(void)
{
	for (const struct lab_knob *k = lab.knobs; k && k->name; k++) {
		char *command = text_of("lab %s --%s%s%s", lab.name, k->name, k->value ? " " : "",
					k->value ? k->value : "");
		char *text = text_of("%s (%s)", command, k->help);

		put_paragraph(k == lab.knobs ? "To break it: " : "", 13, text);
		free(command);
		free(text);
	}
	if (lab.sources)
		put_paragraph("Source code: ", 13, lab.sources);
	if (lab.tour)
		put_format("In gdb:      make gdb, then heddle-tour %s\n", lab.tour);
	put_format("Questions:   lab %s --page (docs/labs/%s.md)\n", lab.name, lab.name);
}

void show_report(void)
{
	for (const struct evidence *e = report.evidence; e; e = e->next)
		show_evidence(e);
	show_checks();
	show_prediction();
	show_verdict();
	show_figures();
	show_where_next();
}
