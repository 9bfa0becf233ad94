/* SPDX-License-Identifier: MIT
 *
 * What threads do, written to the ring of the CPU that they do it on (kernel/trace/trace.h).  Any
 * context but NMI.
 */
#pragma once

#include "kernel/sched/thread.h"
#include "kernel/trace/trace.h"

/* Interrupts off, `cpu->current` still either of the two; now_ns as just read. */
void trace_write_switch(const struct thread *prev, const struct thread *next, u64 now_ns,
			u32 flags);

/* The calling thread and `other`, which stays.  now_ns 0: not read yet. */
void trace_write_thread(enum trace_type type, const struct thread *other, u32 value, u64 now_ns);

/* The calling thread, a number and up to six more. */
void trace_write_values(enum trace_type type, u32 value, const u64 *args, size_t count);

/* ... or a text, which may be cut.  Bytes taken; -EBADF: nothing is recorded now. */
ssize_t trace_write_text(enum trace_type type, u32 value, const char *text, size_t length);

static inline void trace_switch(const struct thread *prev, const struct thread *next, u64 now_ns,
				bool root_changed, bool preempted)
{
	u32 flags =
	    READ_ONCE(trace_mask) &
	    (root_changed ? TRACE_SWITCH_RECORDED | TRACE_SWITCH_ROOT : TRACE_SWITCH_RECORDED);

	if (flags)
		trace_write_switch(prev, next, now_ns,
				   preempted ? flags | TRACE_SWITCH_PREEMPTED : flags);
}

static inline void trace_thread(enum trace_type type, const struct thread *other, u32 value,
				u64 now_ns)
{
	if (trace_on(type))
		trace_write_thread(type, other, value, now_ns);
}

static inline void trace_value(enum trace_type type, u32 value)
{
	if (trace_on(type))
		trace_write_values(type, value, NULL, 0);
}

static inline void trace_values(enum trace_type type, u32 value, const u64 *args, size_t count)
{
	if (trace_on(type))
		trace_write_values(type, value, args, count);
}
