/* SPDX-License-Identifier: MIT
 *
 * Finds in a trace which thread ran on which CPU, and when.
 */
#include "internal.h"

#include <stdlib.h>

static void slice_add(struct lab_trace *trace, struct lab_slice slice)
{
	if (slice.start_ns < trace->start_ns)
		slice.start_ns = trace->start_ns;
	if (slice.end_ns > trace->end_ns)
		slice.end_ns = trace->end_ns;
	if (slice.tid == 0 || slice.end_ns <= slice.start_ns)
		return;
	if (trace->slice_count % 256 == 0)
		trace->slices = must(
		    realloc(trace->slices, (trace->slice_count + 256) * sizeof(*trace->slices)));
	trace->slices[trace->slice_count++] = slice;
}

static int by_start(const void *a, const void *b)
{
	const struct lab_slice *x = a, *y = b;

	if (x->start_ns != y->start_ns)
		return x->start_ns < y->start_ns ? -1 : 1;
	return x->cpu - y->cpu;
}

/* Goes through each CPU separately.  Its first event names the thread that ran before it. */
void trace_find_slices(struct lab_trace *trace)
{
	for (int cpu = 0; cpu < trace->cpus; cpu++) {
		struct lab_slice now = {.cpu = cpu, .start_ns = trace->start_ns};
		bool known = false;

		for (int i = 0; i < trace->to; i++) {
			const struct event *e = &trace->events[i];

			if (e->cpu != cpu)
				continue;
			if (!known)
				now.tid = e->tid;
			known = true;
			if (e->kind == EVENT_ROOT)
				now.new_root = true;
			if (e->kind != EVENT_SWITCH)
				continue;
			now.end_ns = e->ns;
			slice_add(trace, now);
			now = (struct lab_slice){.tid = e->other, .cpu = cpu, .start_ns = e->ns};
		}
		now.end_ns = trace->end_ns;
		slice_add(trace, now);
	}
	if (trace->slice_count)
		qsort(trace->slices, trace->slice_count, sizeof(*trace->slices), by_start);
}

static bool in_set(pid_t tid, const pid_t *tids, int count)
{
	for (int i = 0; i < count; i++)
		if (tids[i] == tid)
			return true;
	return false;
}

uint64_t lab_trace_ran(const struct lab_trace *trace, pid_t tid)
{
	uint64_t sum = 0;

	for (int i = 0; i < trace->slice_count; i++)
		if (trace->slices[i].tid == tid)
			sum += trace->slices[i].end_ns - trace->slices[i].start_ns;
	return sum;
}

/* The index of the next slice of a thread, starting at `i`. */
static int next_of(const struct lab_trace *trace, int i, pid_t tid)
{
	while (i < trace->slice_count && trace->slices[i].tid != tid)
		i++;
	return i;
}

/* Nanoseconds in which both threads ran at the same time. */
static uint64_t overlap(const struct lab_trace *trace, pid_t a, pid_t b)
{
	int i = next_of(trace, 0, a), j = next_of(trace, 0, b);
	uint64_t sum = 0;

	while (i < trace->slice_count && j < trace->slice_count) {
		const struct lab_slice *x = &trace->slices[i], *y = &trace->slices[j];
		uint64_t start = x->start_ns > y->start_ns ? x->start_ns : y->start_ns;
		uint64_t end = x->end_ns < y->end_ns ? x->end_ns : y->end_ns;

		sum += end > start ? end - start : 0;
		if (x->end_ns < y->end_ns)
			i = next_of(trace, i + 1, a);
		else
			j = next_of(trace, j + 1, b);
	}
	return sum;
}

uint64_t lab_trace_overlap(const struct lab_trace *trace, const pid_t *tids, int count)
{
	uint64_t most = 0;

	for (int i = 0; i < count; i++)
		for (int j = i + 1; j < count; j++) {
			uint64_t both = overlap(trace, tids[i], tids[j]);

			most = both > most ? both : most;
		}
	return most;
}

int lab_trace_switches(const struct lab_trace *trace, const pid_t *tids, int count)
{
	int switches = 0;

	for (int cpu = 0; cpu < trace->cpus; cpu++) {
		pid_t last = 0;

		for (int i = 0; i < trace->slice_count; i++) {
			const struct lab_slice *s = &trace->slices[i];

			if (s->cpu != cpu || !in_set(s->tid, tids, count))
				continue;
			switches += last && last != s->tid;
			last = s->tid;
		}
	}
	return switches;
}

int lab_trace_slices(const struct lab_trace *trace, const pid_t *tids, int count,
		     struct lab_slice *slices, int max)
{
	int found = 0;

	for (int i = 0; i < trace->slice_count && found < max; i++)
		if (in_set(trace->slices[i].tid, tids, count))
			slices[found++] = trace->slices[i];
	return found;
}
