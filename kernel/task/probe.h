/* SPDX-License-Identifier: MIT
 *
 * Probes: the named places where the core calls extensions that watch or steer threads.  This is
 * all that the core knows of kernel/watch/trace and kernel/watch/seed.  Each probe is inline and
 * folds to nothing where its extension is not built; what it does then is a function of the
 * extension, out of line.  (The probes of the lock-order checker: kernel/sync/lockdep.h.)
 */
#pragma once

#include "kernel/lib/extensions.h"
#include "kernel/task/thread.h"

struct runqueue;

/* --- Trace ------------------------------------------------------------------------------------ */

/* What can be recorded, in the order of the trace's file available_events. */
enum trace_type {
	TRACE_SWITCH,  /* other: next; value: TRACE_SWITCH_* */
	TRACE_WAKING,  /* other: woken; value: the CPU where it last ran */
	TRACE_MIGRATE, /* other: the thread; value: from CPU | to CPU << 16 */
	TRACE_FORK,    /* other: child */
	TRACE_EXEC,    /* value: the TID before; text: path */
	TRACE_EXIT,
	TRACE_SYS_ENTER,    /* value: number; args */
	TRACE_SYS_EXIT,	    /* value: number; args[0]: result */
	TRACE_FAULT_USER,   /* value: error code; args: address, instruction */
	TRACE_FAULT_KERNEL, /* the same, of the kernel's access to user memory */
	TRACE_IRQ_ENTRY,    /* value: vector */
	TRACE_IRQ_EXIT,	    /* value: vector */
	TRACE_TLB_FLUSH,    /* no event of its own: a part of TRACE_SWITCH */
	TRACE_MARK,	    /* text; cannot be switched off */
	TRACE_TYPES
};

/* Bits of a switch's value.  The first two are those of trace_mask. */
#define TRACE_SWITCH_RECORDED  (1U << TRACE_SWITCH)    /* a line sched_switch */
#define TRACE_SWITCH_ROOT      (1U << TRACE_TLB_FLUSH) /* a line tlb_flush: the root changed */
#define TRACE_SWITCH_PREEMPTED (1U << 16)	       /* prev was preempted */
#define TRACE_SWITCH_STATE     24 /* from here on: of prev, enum thread_state */

/* Bit per type: which events are recorded now. */
extern u32 trace_mask;

static inline bool trace_on(enum trace_type type)
{
	return WITH_TRACE && unlikely(READ_ONCE(trace_mask) >> type & 1);
}

/* The calling CPU switches.  Under the run queue's lock; `current` is still prev or already next. */
void trace_write_switch(const struct thread *prev, const struct thread *next, u64 now_ns,
			u32 value);

/* The calling thread wakes `woken`.  Interrupts off. */
void trace_write_waking(const struct thread *woken, u64 now_ns);

/* The calling thread and `other`, which stays valid; now_ns 0: the clock has not been read. */
void trace_write_thread(enum trace_type type, const struct thread *other, u32 value, u64 now_ns);

/* The calling thread, a number and up to six more. */
void trace_write_values(enum trace_type type, u32 value, const u64 *args, size_t count);

/* The calling thread and a text, which may be cut.  Returns the bytes taken, or -EBADF if this type
 * is not recorded now. */
ssize_t trace_write_text(enum trace_type type, u32 value, const char *text, size_t length);

static inline void trace_switch(const struct thread *prev, const struct thread *next, u64 now_ns,
				bool root_changed, bool preempted)
{
	u32 value = WITH_TRACE ? READ_ONCE(trace_mask) & (TRACE_SWITCH_RECORDED |
							  (u32)root_changed << TRACE_TLB_FLUSH)
			       : 0;

	if (value)
		trace_write_switch(prev, next, now_ns,
				   (preempted ? TRACE_SWITCH_PREEMPTED : 0) | value);
}

static inline void trace_waking(const struct thread *woken, u64 now_ns)
{
	if (trace_on(TRACE_WAKING))
		trace_write_waking(woken, now_ns);
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

static inline void trace_text(enum trace_type type, u32 value, const char *text, size_t length)
{
	if (trace_on(type))
		(void)trace_write_text(type, value, text, length);
}
