/* SPDX-License-Identifier: MIT
 *
 * Checks: what is wanted, what was found, and whether they agree.  The library rounds both numbers
 * to what it prints before it compares them, so a check cannot print one number and test another.
 */
#include "internal.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const char *const bounds[] = {
    [AT_LEAST] = "at least", [AT_MOST] = "at most", [BETWEEN] = "between",
    [EQUALS] = "exactly",    [FACT] = "yes",
};

const char *bound_text(enum check_bound bound)
{
	return bounds[bound];
}

static double as_printed(double value)
{
	char text[32];

	return strtod(number_text(value, text), NULL);
}

static bool satisfies(const struct check *c)
{
	switch (c->bound) {
	case AT_LEAST:
		return c->found >= c->wanted;
	case AT_MOST:
		return c->found <= c->wanted;
	case BETWEEN:
		return c->found >= c->wanted && c->found <= c->most;
	default:
		return c->found == c->wanted;
	}
}

static char *whole_text(const struct check *c)
{
	char wanted[32], most[32], found[32];
	const char *space = *c->unit ? " " : "";

	if (c->bound == FACT)
		return text_of("%s: wanted yes, found %s", c->what, c->found ? "yes" : "no");
	number_text(c->wanted, wanted);
	number_text(c->most, most);
	number_text(c->found, found);
	if (c->bound == BETWEEN)
		return text_of("%s: wanted %s to %s%s%s, found %s%s%s", c->what, wanted, most,
			       space, c->unit, found, space, c->unit);
	return text_of("%s: wanted %s%s%s%s%s, found %s%s%s", c->what,
		       c->bound == EQUALS ? "" : bounds[c->bound], c->bound == EQUALS ? "" : " ",
		       wanted, space, c->unit, found, space, c->unit);
}

static bool add(enum check_bound bound, bool timed, double found, double wanted, double most,
		const char *unit, const char *format, va_list args)
{
	struct evidence *e = must(calloc(1, sizeof(*e)));
	struct check *c = &e->check;

	c->bound = bound;
	c->timed = timed;
	c->found = as_printed(found);
	c->wanted = as_printed(wanted);
	c->most = as_printed(most);
	c->unit = must(strdup(unit));
	c->what = text_of_args(format, args);
	e->holds = satisfies(c);
	e->title = whole_text(c);
	report.checks_failed += !e->holds;
	report.timed += timed;
	report.timed_failed += !e->holds && timed;
	evidence_keep(e, CHECK, NULL);
	return e->holds;
}

#define ADD(bound, timed, found, wanted, most, unit)                                               \
	do {                                                                                       \
		va_list args;                                                                      \
		bool holds;                                                                        \
                                                                                                   \
		va_start(args, format);                                                            \
		holds = add(bound, timed, found, wanted, most, unit, format, args);                \
		va_end(args);                                                                      \
		return holds;                                                                      \
	} while (0)

bool lab_check(bool found, const char *format, ...)
{
	ADD(FACT, false, found, true, true, "");
}

bool lab_check_equals(double found, double wanted, const char *unit, const char *format, ...)
{
	ADD(EQUALS, false, found, wanted, wanted, unit);
}

bool lab_check_at_least(double found, double bound, const char *unit, const char *format, ...)
{
	ADD(AT_LEAST, false, found, bound, bound, unit);
}

bool lab_check_at_most(double found, double bound, const char *unit, const char *format, ...)
{
	ADD(AT_MOST, false, found, bound, bound, unit);
}

bool lab_check_between(double found, double low, double high, const char *unit, const char *format,
		       ...)
{
	ADD(BETWEEN, false, found, low, high, unit);
}

bool lab_check_time_at_least(double found, double bound, const char *unit, const char *format, ...)
{
	ADD(AT_LEAST, true, found, bound, bound, unit);
}

bool lab_check_time_at_most(double found, double bound, const char *unit, const char *format, ...)
{
	ADD(AT_MOST, true, found, bound, bound, unit);
}

int lab_checks_failed(void)
{
	return report.checks_failed;
}

/* The checks that failed, one after the other. */
static char *failed_checks(void)
{
	char *text = must(strdup(""));

	for (const struct evidence *e = report.evidence; e; e = e->next) {
		char *longer;

		if (e->kind != CHECK || e->holds)
			continue;
		longer = text_of("%s%s\"%s\"", text, *text ? ", " : "", e->title);
		free(text);
		text = longer;
	}
	return text;
}

/* A comparison of times says nothing if other programs took the CPU while the lab measured: if only
 * such checks failed, and the machine was busy, then the lab could not show its claim. */
void checks_weigh_noise(void)
{
	char *failed;

	if (options_broken() || report_ok() || report.verdict == LAB_NOT_SHOWN ||
	    !report.timed_failed || report.timed_failed < report.checks_failed ||
	    lab_load() < LAB_BUSY)
		return;
	failed = failed_checks();
	free(report.text);
	report.verdict = LAB_NOT_SHOWN;
	report.text = text_of("The host or other programs took up to %.0f %% of the CPU time while "
			      "the lab measured, and a check that compares times failed: %s. Try "
			      "again when the machine is less busy.",
			      lab_load(), failed);
	free(failed);
}
