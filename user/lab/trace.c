/* SPDX-License-Identifier: MIT
 *
 * Starts and stops the kernel's trace, and parses its text, which has the format of ftrace.
 *
 * A line is "comm-tid ( pid) [cpu] flags seconds.fraction: event: arguments"; the process number
 * and the flags may be missing (Linux Documentation/trace/ftrace.rst, "Output format").
 */
#include "internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRACING "/sys/kernel/tracing/"

/* Marks around the lab's part of the trace; cut() leaves out the rest. */
#define MARK_BEGIN "lab begins"
#define MARK_END   "lab ends"

static bool recording, kept;
const char *trace_file;

/* --- recording ---------------------------------------------------------------------------------
 */

/* A small Linux may not have mounted these file systems yet; only root can mount them. */
static bool tracing_there(void)
{
	if (access("/sys/kernel", F_OK) != 0 && geteuid() == 0) {
		mkdir("/sys", 0555);
		mount("nodev", "/sys", "sysfs", 0, NULL);
	}
	if (access(TRACING "trace", F_OK) != 0 && geteuid() == 0)
		mount("nodev", TRACING, "tracefs", 0, NULL);
	return access(TRACING "trace", R_OK | W_OK) == 0;
}

bool lab_trace_begin(void)
{
	static const char *const wanted[] = {"sched_switch", "sched_waking", "tlb_flush"};

	if (!tracing_there())
		return false;
	lab_write(TRACING "tracing_on", "0");
	lab_write(TRACING "set_event", "");
	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
		FILE *events = fopen(TRACING "set_event", "a");

		if (!events)
			return false;
		fprintf(events, "%s\n", wanted[i]);
		if (fclose(events) != 0 && i == 0)
			return false;
	}
	lab_write(TRACING "trace", ""); /* opening it with O_TRUNC empties the rings */
	if (!lab_write(TRACING "tracing_on", "1"))
		return false;
	recording = true;
	lab_trace_mark(MARK_BEGIN);
	return true;
}

void trace_off(void)
{
	if (recording)
		lab_write(TRACING "tracing_on", "0");
	recording = false;
}

void lab_trace_mark(const char *format, ...)
{
	char text[128];
	va_list args;

	if (!recording)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	lab_write(TRACING "trace_marker", text);
}

/* Appends if the lab records more than once. */
static void keep_text(const char *text)
{
	FILE *file = fopen(trace_file, kept ? "a" : "w");

	if (!file || fputs(text, file) < 0 || fclose(file) != 0) {
		fprintf(stderr, "--trace %s: %s\n", trace_file, strerror(errno));
		exit(2);
	}
	kept = true;
}

void trace_keep_rest(void)
{
	char *text = NULL;

	if (trace_file && !kept && tracing_there()) {
		lab_write(TRACING "tracing_on", "0");
		text = lab_read(TRACING "trace");
	}
	if (text)
		keep_text(text);
	free(text);
}

struct lab_trace *lab_trace_end(void)
{
	struct lab_trace *trace;
	char *text;

	if (!recording)
		return NULL;
	lab_trace_mark(MARK_END);
	trace_off();
	text = lab_read(TRACING "trace");
	if (!text)
		return NULL;
	trace = trace_parse(text);
	letters_keep(trace, false);
	trace->text = text;
	return trace;
}

void trace_keep_text(const struct lab_trace *trace)
{
	if (trace_file && trace->text)
		keep_text(trace->text);
}

void lab_trace_holds(const char *what)
{
	lab_trace_mark(MARK_HOLDS "%s", what);
}

void lab_trace_releases(const char *what)
{
	lab_trace_mark(MARK_RELEASES "%s", what);
}

uint64_t lab_trace_length(const struct lab_trace *trace)
{
	return trace->end_ns - trace->start_ns;
}

/* --- reading ------------------------------------------------------------------------------------
 */

static void name_keep(struct lab_trace *trace, pid_t tid, const char *name, size_t length)
{
	struct thread_name *n = NULL;

	if (tid == 0)
		return;
	for (int i = 0; i < trace->name_count && !n; i++)
		if (trace->names[i].tid == tid)
			n = &trace->names[i];
	if (!n) {
		if (trace->name_count % 64 == 0)
			trace->names = must(realloc(trace->names, (trace->name_count + 64) *
								      sizeof(*trace->names)));
		n = &trace->names[trace->name_count++];
		*n = (struct thread_name){.tid = tid};
	}
	length = length < sizeof(n->name) ? length : sizeof(n->name) - 1;
	memcpy(n->name, name, length);
	n->name[length] = 0;
}

const char *trace_name(const struct lab_trace *trace, pid_t tid)
{
	for (int i = 0; i < trace->name_count; i++)
		if (trace->names[i].tid == tid)
			return trace->names[i].name;
	return tid ? "?" : "idle";
}

char trace_letter(const struct lab_trace *trace, pid_t tid)
{
	for (int i = 0; i < trace->name_count; i++)
		if (trace->names[i].tid == tid)
			return trace->names[i].letter;
	return 0;
}

/* Reads the number after `key` in the arguments of an event. */
static bool argument(const char *text, const char *key, int *value)
{
	const char *at = strstr(text, key);

	return at && sscanf(at + strlen(key), "%d", value) == 1;
}

/* Keeps the name between `key` and the following field `after`; it may contain spaces. */
static void name_argument(struct lab_trace *trace, const char *text, const char *key,
			  const char *after, pid_t tid)
{
	const char *start = strstr(text, key), *end;

	if (!start)
		return;
	start += strlen(key);
	end = strstr(start, after);
	if (end)
		name_keep(trace, tid, start, end - start);
}

/* Parses "name: arguments".  False: the event is not used here. */
static bool parse_event(struct lab_trace *trace, const char *text, struct event *event)
{
	int prev;

	if (strncmp(text, "sched_switch: ", 14) == 0) {
		if (!argument(text, " prev_pid=", &prev) ||
		    !argument(text, " next_pid=", &event->other))
			return false;
		event->kind = EVENT_SWITCH;
		event->first = strstr(text, " next_turn=woken"); /* on Heddle only */
		event->tid = prev;
		name_argument(trace, text, " prev_comm=", " prev_pid=", prev);
		name_argument(trace, text, " next_comm=", " next_pid=", event->other);
		return true;
	}
	if (strncmp(text, "sched_waking: ", 14) == 0) {
		event->kind = EVENT_WAKE;
		return argument(text, " pid=", &event->other);
	}
	if (strncmp(text, "tlb_flush: ", 11) == 0) {
		event->kind = EVENT_ROOT;
		return strstr(text, "flush on task switch");
	}
	if (strncmp(text, "tracing_mark_write: ", 20) == 0) {
		event->kind = EVENT_MARK;
		event->text = must(strdup(text + 20));
		return true;
	}
	return false;
}

/* Parses " [cpu] " and the time.  Returns the event's name, or NULL. */
static const char *parse_place(const char *line, struct event *event, const char **bracket)
{
	for (const char *at = line; (at = strstr(at, " [")); at++) {
		unsigned long long seconds, fraction;
		int cpu, used = 0, digits, start;
		char flags[16];

		if (sscanf(at, " [%d] %n", &cpu, &used) != 1 || !used)
			continue;
		if (sscanf(at + used, "%llu.%n%llu%n: ", &seconds, &start, &fraction, &digits) !=
			2 &&
		    (sscanf(at + used, "%15s %n", flags, &start) != 1 || !(used += start) ||
		     sscanf(at + used, "%llu.%n%llu%n: ", &seconds, &start, &fraction, &digits) !=
			 2))
			continue;
		event->cpu = cpu;
		for (digits -= start; digits < 9; digits++)
			fraction *= 10;
		event->ns = seconds * 1000000000 + fraction;
		*bracket = at;
		at = strchr(at + used, ':');
		return at ? at + 1 + strspn(at + 1, " ") : NULL;
	}
	return NULL;
}

static bool parse_line(struct lab_trace *trace, char *line, struct event *event)
{
	const char *bracket, *text, *end, *dash;

	*event = (struct event){0};
	text = parse_place(line, event, &bracket);
	if (!text)
		return false;
	/* Before the bracket: "comm-tid" and sometimes "(  pid)". */
	end = bracket;
	for (const char *at = line; at < bracket; at++)
		if (*at == '(' && strspn(at + 1, " -0123456789") == strcspn(at + 1, ")"))
			end = at;
	while (end > line && end[-1] == ' ')
		end--;
	for (dash = end; dash > line && dash[-1] >= '0' && dash[-1] <= '9'; dash--)
		;
	if (dash <= line || dash[-1] != '-')
		return false;
	event->tid = atoi(dash);
	line += strspn(line, " ");
	if (dash - 1 > line && *line != '<')
		name_keep(trace, event->tid, line, dash - 1 - line);
	return parse_event(trace, text, event);
}

/* Events with the same time stay in the order of their lines, which is their order on Linux. */
static int by_time(const void *a, const void *b)
{
	const struct event *x = a, *y = b;

	if (x->ns != y->ns)
		return x->ns < y->ns ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

/* Keeps only the part between the two marks, if they are there. */
static void cut(struct lab_trace *trace)
{
	int first = 0, last = trace->count;

	for (int i = 0; i < trace->count; i++) {
		const struct event *e = &trace->events[i];

		if (e->kind == EVENT_MARK && strcmp(e->text, MARK_BEGIN) == 0)
			first = i;
		if (e->kind == EVENT_MARK && strcmp(e->text, MARK_END) == 0)
			last = i;
	}
	trace->start_ns = first < trace->count ? trace->events[first].ns : 0;
	trace->end_ns = last < trace->count ? trace->events[last].ns
			: trace->count	    ? trace->events[trace->count - 1].ns
					    : 0;
	trace->from = first;
	trace->to = last;
}

struct lab_trace *trace_parse(const char *text)
{
	struct lab_trace *trace = must(calloc(1, sizeof(*trace)));
	char *copy = must(strdup(text)), *rest = copy;

	for (char *line; (line = strtok_r(rest, "\r\n", &rest));) {
		unsigned long long kept, written;
		struct event event;

		if (sscanf(line, "# entries-in-buffer/entries-written: %llu/%llu", &kept,
			   &written) == 2)
			trace->lost = written - kept;
		if (*line == '#' || !parse_line(trace, line, &event))
			continue;
		if (trace->count % 1024 == 0)
			trace->events =
			    must(realloc(trace->events, (trace->count + 1024) * sizeof(event)));
		event.order = trace->count;
		trace->events[trace->count++] = event;
		if (event.cpu >= trace->cpus)
			trace->cpus = event.cpu + 1;
	}
	free(copy);
	qsort(trace->events, trace->count, sizeof(*trace->events), by_time);
	cut(trace);
	trace_find_slices(trace);
	trace_find_holds(trace);
	return trace;
}

void lab_trace_free(struct lab_trace *trace)
{
	for (int i = 0; trace && i < trace->count; i++)
		free(trace->events[i].text);
	if (trace) {
		free(trace->events);
		free(trace->slices);
		free(trace->names);
		free(trace->holds);
		free(trace->text);
	}
	free(trace);
}
