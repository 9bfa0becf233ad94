/* SPDX-License-Identifier: MIT
 *
 * Draws which thread runs on which CPU: live, once, or from a file.
 *
 *   timeline              live: +/- change the time that is shown, space stops, q leaves
 *   timeline --once       draw what is in the kernel's rings now
 *   timeline -f FILE      draw a trace that was saved before (text of ftrace)
 */
#include "user/lab/internal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TRACE_FILE "/sys/kernel/tracing/trace"

static struct lab_trace *trace_of(const char *path)
{
	char *text = lab_read(path);
	struct lab_trace *trace = text ? trace_parse(text) : NULL;

	if (trace)
		letters_keep(trace, true);
	free(text);
	return trace;
}

static int once(const char *path)
{
	struct lab_trace *trace = trace_of(path);

	if (!trace) {
		perror(path);
		return 1;
	}
	timeline_show(trace, true, 0);
	lab_trace_free(trace);
	return 0;
}

/* Draws the last `ns` nanoseconds.  `unknown`: a key was pressed that does nothing. */
static void draw(uint64_t ns, bool stopped, bool unknown)
{
	struct lab_trace *trace = trace_of(TRACE_FILE);
	int columns, rows;

	if (!trace)
		return;
	if (trace->end_ns - trace->start_ns > ns)
		trace->start_ns = trace->end_ns - ns;
	lab_live_begin(&columns, &rows);
	lab_live_end(); /* only clears the screen: timeline_show() decides the number of lines */
	put_format("timeline: the last %g ms%s   +/-: more/less   space: %s   q: leave\n", ns / 1e6,
		   unknown   ? ": no such key"
		   : stopped ? " (stopped)"
			     : "",
		   stopped ? "continue" : "stop");
	timeline_show(trace, true, rows - 2);
	fflush(stdout);
	lab_trace_free(trace);
}

static int live(void)
{
	uint64_t ns = 200000000;
	bool stopped = false, unknown = false;

	if (access(TRACE_FILE, R_OK) != 0) {
		perror(TRACE_FILE);
		return 1;
	}
	lab_write("/sys/kernel/tracing/tracing_on", "1");
	lab_live_open();
	for (;;) {
		int key;

		if (!stopped)
			draw(ns, stopped, unknown);
		key = lab_live_key(stopped ? -1 : 100);
		if (!key)
			continue;
		if (key == 'q')
			return 0;
		if (key == ' ')
			stopped = !stopped;
		else if ((key == '+' || key == '=') && ns < 10000000000)
			ns *= 2;
		else if (key == '-' && ns > 100000)
			ns /= 2;
		unknown = !strchr(" +=-", key < 0x7f ? key : 'x');
		if (stopped || unknown)
			draw(ns, stopped, unknown);
	}
}

int main(int argc, char *argv[])
{
	bool plain = false, ascii = false, now = false;
	const char *file = NULL;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--plain") == 0) {
			plain = true;
		} else if (strcmp(argv[i], "--ascii") == 0) {
			ascii = true;
		} else if (strcmp(argv[i], "--once") == 0) {
			now = true;
		} else if (strcmp(argv[i], "-f") == 0 && i + 1 < argc) {
			file = argv[++i];
		} else {
			fprintf(stderr, "usage: timeline [--once | -f FILE] [--plain] [--ascii]\n");
			return 3;
		}
	}
	screen_open(plain, ascii);
	letters_open();
	if (file || now || !screen.overwrites || !isatty(STDIN_FILENO))
		return once(file ? file : TRACE_FILE);
	return live();
}
