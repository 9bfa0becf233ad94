/* SPDX-License-Identifier: MIT
 *
 * Finds in a trace which thread held a lock, and when, from the marks of lab_trace_holds().
 */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

static const char *after(const char *text, const char *start)
{
	size_t length = strlen(start);

	return strncmp(text, start, length) == 0 ? text + length : NULL;
}

bool mark_is_hold(const char *text)
{
	return after(text, MARK_HOLDS) || after(text, MARK_RELEASES);
}

static void hold_begins(struct lab_trace *trace, const struct event *e, const char *what)
{
	if (trace->hold_count % 64 == 0)
		trace->holds =
		    must(realloc(trace->holds, (trace->hold_count + 64) * sizeof(*trace->holds)));
	trace->holds[trace->hold_count++] = (struct hold){what, e->tid, e->ns, 0};
}

static void hold_ends(struct lab_trace *trace, const struct event *e, const char *what)
{
	for (int i = trace->hold_count - 1; i >= 0; i--) {
		struct hold *h = &trace->holds[i];

		if (h->tid == e->tid && !h->end_ns && strcmp(h->what, what) == 0) {
			h->end_ns = e->ns;
			return;
		}
	}
}

void trace_find_holds(struct lab_trace *trace)
{
	for (int i = trace->from; i < trace->to; i++) {
		const struct event *e = &trace->events[i];
		const char *what;

		if (e->kind != EVENT_MARK)
			continue;
		if ((what = after(e->text, MARK_HOLDS)))
			hold_begins(trace, e, what);
		else if ((what = after(e->text, MARK_RELEASES)))
			hold_ends(trace, e, what);
	}
	for (int i = 0; i < trace->hold_count; i++)
		if (!trace->holds[i].end_ns)
			trace->holds[i].end_ns = trace->end_ns;
}

const char *trace_next_held(const struct lab_trace *trace, const char *last)
{
	const char *next = NULL;

	for (int i = 0; i < trace->hold_count; i++) {
		const char *what = trace->holds[i].what;

		if ((!last || strcmp(what, last) > 0) && (!next || strcmp(what, next) < 0))
			next = what;
	}
	return next;
}

struct edge {
	uint64_t ns;
	int change;
};

/* At one time a release comes before the next hold. */
static int by_ns(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;

	if (x->ns != y->ns)
		return x->ns < y->ns ? -1 : 1;
	return x->change - y->change;
}

uint64_t lab_trace_held(const struct lab_trace *trace, const char *what, int least)
{
	struct edge *edges = must(calloc(2 * trace->hold_count + 1, sizeof(*edges)));
	uint64_t sum = 0;
	int count = 0, now = 0;

	for (int i = 0; i < trace->hold_count; i++) {
		const struct hold *h = &trace->holds[i];

		if (strcmp(h->what, what) != 0)
			continue;
		edges[count++] = (struct edge){h->start_ns, 1};
		edges[count++] = (struct edge){h->end_ns, -1};
	}
	qsort(edges, count, sizeof(*edges), by_ns);
	for (int i = 0; i < count; i++) {
		if (now >= least)
			sum += edges[i].ns - edges[i - 1].ns;
		now += edges[i].change;
	}
	free(edges);
	return sum;
}
