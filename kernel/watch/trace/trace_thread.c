/* SPDX-License-Identifier: MIT
 *
 * Recording events.  Each event has a copy of the thread's name, so that the name is right even if
 * the thread has exited or was renamed before the ring is read.
 */
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/pc/clock.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/linux/sched_attributes.h"
#include "kernel/sys/syscall.h"
#include "kernel/watch/trace/trace.h"

/* The context bits of an event: preemption count, interrupt, pending reschedule, and whether
 * `rflags` had interrupts off. */
static u32 trace_context(u64 rflags)
{
	u32 context = MIN(preempt_count(), (u32)TRACE_PREEMPT_MAX);

	if (this_cpu_read(irq_depth))
		context |= TRACE_IN_IRQ;
	context |= this_cpu_read(need_resched) * TRACE_NEED_RESCHED; /* it is 0 or 1 */
	return rflags & RFLAGS_IF ? context : context | TRACE_IRQS_OFF;
}

/* Adjacent members are copied with one instruction, since each context switch does this. */
_Static_assert(offsetof(struct thread, pid) == offsetof(struct thread, tid) + 4, "neighbours");
_Static_assert(offsetof(struct sched_attributes, nice) == 0 &&
		   offsetof(struct sched_attributes, priority) == 1,
	       "neighbours");

/* Fill in the time and the running thread. */
static void trace_fill_who(struct trace_event *e, const struct thread *t, u64 now_ns)
{
	e->time_ns = now_ns;
	__builtin_memcpy(&e->tid, &t->tid, sizeof(e->tid) + sizeof(e->pid));
	__builtin_memcpy(&e->nice, sched_attributes_of(t), sizeof(e->nice) + sizeof(e->priority));
	__builtin_memcpy(e->name, t->name, TRACE_NAME);
}

/* Fill in the thread that the event is about. */
static void trace_fill_other(struct trace_event *e, const struct thread *t)
{
	e->other = t->tid;
	__builtin_memcpy(&e->other_nice, sched_attributes_of(t),
			 sizeof(e->nice) + sizeof(e->priority));
	__builtin_memcpy(e->other_name, t->name, TRACE_NAME);
}

static void switch_on_next_page(const struct thread *prev, const struct thread *next, u64 now_ns,
				u32 value);
static void waking_on_next_page(const struct thread *woken, u64 now_ns);

/* trace_write_switch() and trace_write_waking() must be fast, so they keep no value across a call:
 * if the page is full, they call a function that moves to the next page and starts them again. */
__hot void trace_write_switch(const struct thread *prev, const struct thread *next, u64 now_ns,
			u32 value)
{
	struct trace_writer *w = this_cpu_ptr(trace_writer);
	struct trace_event *e;

	if (unlikely(!w->next)) {
		switch_on_next_page(prev, next, now_ns, value);
		return;
	}
	e = trace_claim(w, TRACE_SWITCH, TRACE_IRQS_OFF | 1);
	e->value = (u32)prev->state << TRACE_SWITCH_STATE | value;
	trace_fill_who(e, prev, now_ns);
	trace_fill_other(e, next);
	trace_commit(w, e);
}

static void __noinline switch_on_next_page(const struct thread *prev, const struct thread *next,
					   u64 now_ns, u32 value)
{
	if (trace_next_page(this_cpu_ptr(trace_writer)))
		trace_write_switch(prev, next, now_ns, value);
}

__hot void trace_write_waking(const struct thread *woken, u64 now_ns)
{
	struct trace_writer *w = this_cpu_ptr(trace_writer);
	struct trace_event *e;

	if (unlikely(!w->next)) {
		waking_on_next_page(woken, now_ns);
		return;
	}
	e = trace_claim(w, TRACE_WAKING, trace_context(0));
	e->value = woken->cpu;
	trace_fill_who(e, current_thread(), now_ns);
	trace_fill_other(e, woken);
	trace_commit(w, e);
}

static void __noinline waking_on_next_page(const struct thread *woken, u64 now_ns)
{
	if (trace_next_page(this_cpu_ptr(trace_writer)))
		trace_write_waking(woken, now_ns);
}

/* Begin an event of the running thread.  Returns its slot, with interrupts off until end().  NULL,
 * with interrupts unchanged, if the CPU has no ring or no thread yet.  `now_ns` 0: read the
 * clock. */
static struct trace_event *begin(enum trace_type type, u32 value, u64 *flags, u64 now_ns)
{
	struct thread *self;
	struct trace_writer *w;
	struct trace_event *e;

	*flags = irq_save();
	self = current_thread();
	w = this_cpu_ptr(trace_writer);
	if (!self || (!w->next && !trace_next_page(w))) {
		irq_restore(*flags);
		return NULL;
	}
	e = trace_claim(w, type, trace_context(*flags));
	e->value = value;
	trace_fill_who(e, self, now_ns ? now_ns : clock_now_ns());
	return e;
}

static void end(struct trace_event *e, u64 flags)
{
	trace_commit(this_cpu_ptr(trace_writer), e);
	irq_restore(flags);
}

void trace_write_thread(enum trace_type type, const struct thread *other, u32 value, u64 now_ns)
{
	u64 flags;
	struct trace_event *e = begin(type, value, &flags, now_ns);

	if (!e)
		return;
	trace_fill_other(e, other);
	end(e, flags);
}

void trace_write_values(enum trace_type type, u32 value, const u64 *args, size_t count)
{
	u64 flags;
	struct trace_event *e = begin(type, value, &flags, 0);

	if (!e)
		return;
	for (size_t i = 0; i < count; i++)
		e->args[i] = args[i];
	end(e, flags);
}

long trace_call(u64 a, u64 b, u64 c, u64 d, u64 e, u64 f)
{
	u32 number = (u32)thread_frame(current_thread())->error; /* exec changes the frame */
	u64 result;

	trace_values(TRACE_SYS_ENTER, number, (u64[]){a, b, c, d, e, f}, 6);
	result = (u64)syscall_function(number)(a, b, c, d, e, f);
	trace_values(TRACE_SYS_EXIT, number, &result, 1);
	return (long)result;
}

ssize_t trace_write_text(enum trace_type type, u32 value, const char *text, size_t length)
{
	size_t n = MIN(length, (size_t)TRACE_TEXT - 1);
	struct trace_event *e;
	u64 flags;

	if (!trace_on(type))
		return -EBADF;
	e = begin(type, value, &flags, 0);
	if (!e)
		return -EBADF;
	memcpy(e->text, text, n);
	e->text[n] = '\0';
	end(e, flags);
	return (ssize_t)n;
}
