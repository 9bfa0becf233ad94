/* SPDX-License-Identifier: MIT
 *
 * Runs a lab from beginning to end.
 */
#include "internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

void lab_die(const char *format, ...)
{
	va_list args;
	char text[512];

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (!in_child()) {
		show_progress_end();
		if (lab_options.json)
			json_error(text);
	}
	fflush(stdout);
	fprintf(stderr, "%s: %s\n", program_invocation_short_name, text);
	if (in_child())
		_exit(2);
	exit(2);
}

/* Records the verdict for `lab`, which lists what is done.  A run with a knob is not recorded. */
static void remember(void)
{
	const char *path = getenv("LAB_RESULT");
	FILE *file = path && !options_broken() ? fopen(path, "a") : NULL;

	if (!file)
		return;
	fprintf(file, "%s %s %s\n", lab.name, verdict_key(report.verdict),
		report_ok() ? "ok" : "not");
	fclose(file);
}

int main(int argc, char *argv[])
{
	options_parse(argc, argv);
	letters_open();
	options_apply();
	if (lab.instead && lab.instead())
		return 0;
	if (!lab_options.json)
		show_heading();
	if (lab_options.interactive && !lab_options.quick)
		report.predicted = show_question();
	fflush(stdout);
	load_look();
	lab.run();
	show_progress_end();
	trace_keep_rest();
	screen.pages =
	    lab_options.interactive && !lab_options.quick && screen.overwrites && screen.rows >= 10;
	if (!report.has_verdict)
		lab_die("no verdict: this is an error in the lab's program");
	if (lab_options.json)
		json_report();
	else
		show_report();
	remember();
	return report_ok() ? 0 : 1;
}
