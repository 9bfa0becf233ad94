/* SPDX-License-Identifier: MIT
 *
 * A trace as JSON, from which a web page draws its timeline.  Times are in microseconds.
 */
#include "internal.h"

#include <stdlib.h>

/* A limit: a web page and a serial line are slow with more. */
#define MOST 3000

static void microseconds(const struct lab_trace *trace, uint64_t ns)
{
	printf("%.3f", ns > trace->start_ns ? (double)(ns - trace->start_ns) / 1000 : 0.0);
}

/* Prints "[cpu,time,", the beginning of every row. */
static void place(const struct lab_trace *trace, int number, int cpu, uint64_t ns)
{
	printf("%s[%d,", number ? "," : "", cpu);
	microseconds(trace, ns);
	putchar(',');
}

static void threads(const struct lab_trace *trace)
{
	bool first = true;

	printf(",\"threads\":{");
	for (int i = 0; i < trace->name_count; i++) {
		const struct thread_name *n = &trace->names[i];
		uint64_t ran = lab_trace_ran(trace, n->tid);
		char letter[2] = {n->letter};

		if (!ran)
			continue;
		printf("%s\"%d\":{\"name\":", first ? "" : ",", n->tid);
		json_string(n->name);
		printf(",\"pid\":%d,\"letter\":", n->tid);
		json_string(letter);
		printf(",\"ran\":%.1f}", ran / 1000.0);
		first = false;
	}
	putchar('}');
}

static void events(const struct lab_trace *trace, enum event_kind kind)
{
	int number = 0;

	for (int i = trace->from; i < trace->to && number < MOST; i++) {
		const struct event *e = &trace->events[i];

		if (e->kind != kind || (kind == EVENT_MARK && mark_is_hold(e->text)))
			continue;
		place(trace, number++, e->cpu, e->ns);
		if (kind == EVENT_WAKE) {
			printf("%d,%d,%d]", e->other, e->tid, e->cpu);
			continue;
		}
		printf("%d,", e->tid);
		json_string(e->text);
		putchar(']');
	}
}

/* Rows [holder, start, end, "what"]. */
static void holds(const struct lab_trace *trace)
{
	for (int i = 0; i < trace->hold_count && i < MOST; i++) {
		const struct hold *h = &trace->holds[i];

		printf("%s[%d,", i ? "," : "", h->tid);
		microseconds(trace, h->start_ns);
		putchar(',');
		microseconds(trace, h->end_ns);
		putchar(',');
		json_string(h->what);
		putchar(']');
	}
}

void timeline_json(const struct lab_trace *trace)
{
	int count = trace->slice_count < MOST ? trace->slice_count : MOST;

	printf(",\"cpus\":%d,\"length\":", trace->cpus);
	microseconds(trace, trace->end_ns);
	threads(trace);
	printf(",\"slices\":[");
	for (int i = 0; i < count; i++) {
		const struct lab_slice *s = &trace->slices[i];

		place(trace, i, s->cpu, s->start_ns);
		microseconds(trace, s->end_ns);
		printf(",%d,%d,\"\"]", s->tid, s->new_root);
	}
	printf("],\"slices_left_out\":%d,\"wakes\":[", trace->slice_count - count);
	events(trace, EVENT_WAKE);
	printf("],\"holds\":[");
	holds(trace);
	printf("],\"marks\":[");
	events(trace, EVENT_MARK);
	putchar(']');
}
