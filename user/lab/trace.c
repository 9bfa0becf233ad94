/* SPDX-License-Identifier: MIT
 *
 * Traces: recorded by the kernel, read as ftrace text.
 */
#include "internal.h"

#include <string.h>

bool lab_trace_begin(void)
{
	return false;
}

void lab_trace_mark(const char *format, ...)
{
	(void)format;
}

struct lab_trace *lab_trace_end(void)
{
	return NULL;
}

void trace_off(void)
{
}

uint64_t lab_trace_ran(const struct lab_trace *trace, pid_t tid)
{
	(void)trace, (void)tid;
	return 0;
}

uint64_t lab_trace_overlap(const struct lab_trace *trace, const pid_t *tids, int count)
{
	(void)trace, (void)tids, (void)count;
	return 0;
}

int lab_trace_switches(const struct lab_trace *trace, const pid_t *tids, int count)
{
	(void)trace, (void)tids, (void)count;
	return 0;
}

int lab_trace_slices(const struct lab_trace *trace, const pid_t *tids, int count,
		     struct lab_slice *slices, int max)
{
	(void)trace, (void)tids, (void)count, (void)slices, (void)max;
	return 0;
}

void timeline_show(const struct lab_trace *trace, bool all, int max_rows)
{
	(void)trace, (void)all, (void)max_rows;
}

void timeline_json(const struct lab_trace *trace)
{
	(void)trace;
}
