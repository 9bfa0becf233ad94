/* SPDX-License-Identifier: MIT
 *
 * Who runs where, as a picture: live, once, or from a file.
 *
 *   timeline              live: +/- change the length shown, space stops, q leaves
 *   timeline --once       what is in the kernel's rings now
 *   timeline -f FILE      a trace saved before (ftrace's text)
 */
#include "user/lab/internal.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define TRACE_FILE "/sys/kernel/tracing/trace"

static struct termios before;
static bool raw;

/* Also called from a signal handler. */
static void leave(void)
{
	static const char end[] = "\033[?25h\033[0m\033[?1049l";

	if (!raw)
		return;
	(void)!write(STDOUT_FILENO, end, sizeof(end) - 1);
	tcsetattr(STDIN_FILENO, TCSANOW, &before);
	raw = false;
}

static void ended_by(int signal)
{
	leave();
	raise(signal); /* SA_RESETHAND: now it ends us */
}

static volatile sig_atomic_t resized;

static void on_resize(int signal)
{
	(void)signal;
	resized = true;
}

static void enter(void)
{
	static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	struct sigaction action = {.sa_handler = ended_by, .sa_flags = SA_RESETHAND};
	struct termios mode;

	if (tcgetattr(STDIN_FILENO, &before) < 0)
		return;
	mode = before;
	mode.c_lflag &= ~(ICANON | ECHO);
	mode.c_cc[VMIN] = 1;
	mode.c_cc[VTIME] = 0;
	raw = true;
	atexit(leave);
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		sigaction(ends[i], &action, NULL);
	signal(SIGWINCH, on_resize);
	tcsetattr(STDIN_FILENO, TCSANOW, &mode);
	printf("\033[?1049h\033[?25l");
}

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
	timeline_show(trace, true, 200, 0);
	trace_free(trace);
	return 0;
}

/* The last `ns` nanoseconds. */
static void draw(uint64_t ns, bool stopped)
{
	struct lab_trace *trace = trace_of(TRACE_FILE);

	if (!trace)
		return;
	if (trace->end_ns - trace->start_ns > ns)
		trace->start_ns = trace->end_ns - ns;
	printf("\033[H\033[2J");
	put_format("timeline: the last %g ms%s   +/-: length   space: %s   q: leave\n", ns / 1e6,
		   stopped ? " (stopped)" : "", stopped ? "go on" : "stop");
	timeline_show(trace, true, 200, screen.rows - 2);
	fflush(stdout);
	trace_free(trace);
}

static int live(void)
{
	uint64_t ns = 200000000;
	bool stopped = false;

	if (access(TRACE_FILE, R_OK) != 0) {
		perror(TRACE_FILE);
		return 1;
	}
	lab_write("/sys/kernel/tracing/tracing_on", "1");
	enter();
	for (;;) {
		struct pollfd key = {.fd = STDIN_FILENO, .events = POLLIN};
		char c;

		if (resized)
			screen_open(false, false);
		resized = false;
		if (!stopped)
			draw(ns, stopped);
		if (poll(&key, 1, stopped ? -1 : 100) <= 0)
			continue;
		if (read(STDIN_FILENO, &c, 1) != 1 || c == 'q')
			return 0;
		if (c == ' ')
			stopped = !stopped;
		else if ((c == '+' || c == '=') && ns < 10000000000)
			ns *= 2;
		else if (c == '-' && ns > 100000)
			ns /= 2;
		if (stopped)
			draw(ns, stopped);
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
