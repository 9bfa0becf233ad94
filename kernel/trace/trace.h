/* SPDX-License-Identifier: MIT
 *
 * The last scheduling events of each CPU in a ring of fixed size.  Writing costs a few
 * instructions, takes no lock and is allowed in any context.
 */
#pragma once

#include "kernel/lib/base.h"

enum trace_type {
	TRACE_NONE,
	TRACE_SWITCH,	  /* a: previous tid, b: next tid, c: previous state | root changed << 8 */
	TRACE_WAKE,	  /* a: woken tid, b: target cpu */
	TRACE_FORK,	  /* a: child tid, b: child pid */
	TRACE_EXEC,	  /* a: pid */
	TRACE_EXIT,	  /* a: tid, b: exit code */
	TRACE_MIGRATE,	  /* a: tid, b: from cpu, c: to cpu */
	TRACE_SYSCALL,	  /* a: tid, b: number */
	TRACE_SYSCALL_END,/* a: tid, b: number, c: result (low 32 bits) */
	TRACE_PAGE_FAULT, /* a: tid, b: error code, c: address */
	TRACE_IRQ,	  /* a: tid, b: vector */
	TRACE_TYPES
};

struct trace_event {
	u64 time_ns; /* written last; 0 while the slot is being written */
	u32 type;
	u32 a;
	u64 b;
	u64 c;
};

#define TRACE_RING_EVENTS 1024 /* a CPU; a power of two */

/* Bit per type: which events are recorded.  Scheduling events (switch, wake, fork, exec, exit,
 * migrate) at start. */
extern u32 trace_mask;

void trace_write(enum trace_type type, u32 a, u64 b, u64 c);

static inline void trace(enum trace_type type, u32 a, u64 b, u64 c)
{
	if (READ_ONCE(trace_mask) >> type & 1)
		trace_write(type, a, b, c);
}

/* Memory for the rings of `cpus` CPUs (TRACE_RING_EVENTS * sizeof(struct trace_event) each); until
 * then nothing is recorded. */
void trace_init(void *memory, u32 cpus);

/* Copy the newest events of a CPU, oldest first; at most `max`.  Returns how many. */
size_t trace_read(u32 cpu, struct trace_event *events, size_t max);

/* One event as a line of text, without newline. */
size_t trace_format(const struct trace_event *event, char *buf, size_t size);
