/* SPDX-License-Identifier: MIT
 *
 * Events of threads.  Names are copied into each event: so they are right for threads that have
 * ended, or have another name, when the ring is read.
 */
#include "kernel/watch/trace/trace_thread.h"

#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/pc/clock.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"

/* For the running thread.  NULL: no ring, or no thread yet, and interrupts are as they were; else
 * they are off until end(). */
static struct trace_event *begin(enum trace_type type, u32 value, u64 *flags, u64 now_ns)
{
	struct thread *self;
	struct trace_event *e;

	*flags = irq_save();
	self = current_thread();
	e = self ? trace_claim(type, trace_context(*flags)) : NULL;
	if (!e) {
		irq_restore(*flags);
		return NULL;
	}
	e->value = value;
	trace_fill_who(e, self, now_ns ? now_ns : clock_now_ns());
	return e;
}

static void end(struct trace_event *e, u64 flags)
{
	trace_commit(e);
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
