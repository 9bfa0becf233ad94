/* SPDX-License-Identifier: MIT
 *
 * Events of threads.  Names are copied into each event: so they are right for threads that have
 * ended, or have another name, when the ring is read.
 */
#include "kernel/sched/trace_thread.h"

#include "arch/x86_64/clock.h"
#include "arch/x86_64/cpu.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"

static u8 priority_of(const struct thread *t)
{
	return (u8)(t->priority ? 99 - t->priority : 120 + t->nice);
}

static void fill_who(struct trace_event *e, const struct thread *t, u64 now_ns)
{
	e->time_ns = now_ns;
	e->tid = t->tid;
	e->pid = t->pid;
	e->prio = priority_of(t);
	__builtin_memcpy(e->name, t->name, TRACE_NAME);
}

static void fill_other(struct trace_event *e, const struct thread *t)
{
	e->other = t->tid;
	e->other_prio = priority_of(t);
	__builtin_memcpy(e->other_name, t->name, TRACE_NAME);
}

void trace_write_switch(const struct thread *prev, const struct thread *next, u64 now_ns, u32 flags)
{
	/* The run queue's lock is held, and nothing else. */
	struct trace_event *e = trace_claim(TRACE_SWITCH, TRACE_IRQS_OFF | 1);

	if (!e)
		return;
	e->value = (u32)prev->state << TRACE_SWITCH_STATE | flags;
	fill_who(e, prev, now_ns);
	fill_other(e, next);
	trace_commit(e);
}

/* For the running thread.  NULL: no ring, or no thread yet, and interrupts are as they were; else
 * they are off until end(). */
static struct trace_event *begin(enum trace_type type, u32 value, u64 *flags, u64 now_ns)
{
	struct trace_event *e;
	struct cpu *cpu;
	u32 context;

	*flags = irq_save();
	cpu = this_cpu();
	context = MIN(cpu->preempt_count, (u32)TRACE_PREEMPT_MAX);
	if (cpu->irq_depth)
		context |= TRACE_IN_IRQ;
	if (cpu->need_resched)
		context |= TRACE_NEED_RESCHED;
	if (!(*flags & RFLAGS_IF))
		context |= TRACE_IRQS_OFF;
	e = cpu->current ? trace_claim(type, context) : NULL;
	if (!e) {
		irq_restore(*flags);
		return NULL;
	}
	e->value = value;
	fill_who(e, cpu->current, now_ns ? now_ns : clock_now_ns());
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
	fill_other(e, other);
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
