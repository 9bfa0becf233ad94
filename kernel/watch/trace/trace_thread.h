/* SPDX-License-Identifier: MIT
 *
 * What threads do, written to the ring of the CPU that they do it on (kernel/watch/trace/trace.h).  Any
 * context but NMI.
 */
#pragma once

#include "kernel/task/thread.h"
#include "kernel/watch/trace/trace.h"

/* What the preemption count and its kin are, and what `rflags` were. */
static inline u32 trace_context(u64 rflags)
{
	u32 context = MIN(preempt_count(), (u32)TRACE_PREEMPT_MAX);

	if (this_cpu_read(irq_depth))
		context |= TRACE_IN_IRQ;
	if (need_resched())
		context |= TRACE_NEED_RESCHED;
	return rflags & RFLAGS_IF ? context : context | TRACE_IRQS_OFF;
}

/* The calling thread and `other`, which stays.  now_ns 0: not read yet. */
void trace_write_thread(enum trace_type type, const struct thread *other, u32 value, u64 now_ns);

/* The calling thread, a number and up to six more. */
void trace_write_values(enum trace_type type, u32 value, const u64 *args, size_t count);

/* ... or a text, which may be cut.  Bytes taken; -EBADF: nothing is recorded now. */
ssize_t trace_write_text(enum trace_type type, u32 value, const char *text, size_t length);

/* Neighbours are copied at once: a switch pays for it. */
_Static_assert(offsetof(struct thread, pid) == offsetof(struct thread, tid) + 4, "neighbours");
_Static_assert(offsetof(struct thread, priority) == offsetof(struct thread, nice) + 1,
	       "neighbours");

static inline void trace_fill_who(struct trace_event *e, const struct thread *t, u64 now_ns)
{
	e->time_ns = now_ns;
	__builtin_memcpy(&e->tid, &t->tid, sizeof(e->tid) + sizeof(e->pid));
	__builtin_memcpy(&e->nice, &t->nice, sizeof(e->nice) + sizeof(e->priority));
	__builtin_memcpy(e->name, t->name, TRACE_NAME);
}

static inline void trace_fill_other(struct trace_event *e, const struct thread *t)
{
	e->other = t->tid;
	__builtin_memcpy(&e->other_nice, &t->nice, sizeof(e->nice) + sizeof(e->priority));
	__builtin_memcpy(e->other_name, t->name, TRACE_NAME);
}

/* Under the run queue's lock and no other, `cpu->current` still either of the two; now_ns as just
 * read. */
static inline void trace_switch(const struct thread *prev, const struct thread *next, u64 now_ns,
				bool root_changed, bool preempted)
{
	u32 what =
	    READ_ONCE(trace_mask) & (TRACE_SWITCH_RECORDED | (u32)root_changed << TRACE_TLB_FLUSH);
	struct trace_event *e = what ? trace_claim(TRACE_SWITCH, TRACE_IRQS_OFF | 1) : NULL;

	if (!e)
		return;
	e->value = (u32)prev->state << TRACE_SWITCH_STATE |
		   (preempted ? TRACE_SWITCH_PREEMPTED : 0) | what;
	trace_fill_who(e, prev, now_ns);
	trace_fill_other(e, next);
	trace_commit(e);
}

/* Interrupts off; there is a calling thread. */
static inline void trace_waking(const struct thread *woken, u64 now_ns)
{
	struct trace_event *e =
	    trace_on(TRACE_WAKING) ? trace_claim(TRACE_WAKING, trace_context(0)) : NULL;

	if (!e)
		return;
	e->value = woken->cpu;
	trace_fill_who(e, current_thread(), now_ns);
	trace_fill_other(e, woken);
	trace_commit(e);
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
