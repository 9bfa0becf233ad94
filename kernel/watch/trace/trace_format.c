/* SPDX-License-Identifier: MIT
 *
 * Events as text in the format of Linux's ftrace (Documentation/trace/ftrace.rst, events.rst), with
 * the column of process IDs (option record-tgid of Linux) and with times in nanoseconds.
 */
#include "kernel/watch/trace/trace.h"

#include "arch/x86_64/cpu/descriptors.h"
#include "kernel/lib/format.h"
#include "kernel/lib/string.h"

const struct trace_name trace_names[TRACE_MARK] = {
    [TRACE_SWITCH] = {"sched", "sched_switch"},
    [TRACE_WAKING] = {"sched", "sched_waking"},
    [TRACE_MIGRATE] = {"sched", "sched_migrate_task"},
    [TRACE_FORK] = {"sched", "sched_process_fork"},
    [TRACE_EXEC] = {"sched", "sched_process_exec"},
    [TRACE_EXIT] = {"sched", "sched_process_exit"},
    [TRACE_SYS_ENTER] = {"raw_syscalls", "sys_enter"},
    [TRACE_SYS_EXIT] = {"raw_syscalls", "sys_exit"},
    [TRACE_FAULT_USER] = {"exceptions", "page_fault_user"},
    [TRACE_FAULT_KERNEL] = {"exceptions", "page_fault_kernel"},
    [TRACE_IRQ_ENTRY] = {"irq", "irq_handler_entry"},
    [TRACE_IRQ_EXIT] = {"irq", "irq_handler_exit"},
    [TRACE_TLB_FLUSH] = {"tlb", "tlb_flush"},
};

struct line {
	char *buf;
	size_t size, length;
};

static void __printf(2, 3) put(struct line *l, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(l->buf + l->length, l->size - l->length, fmt, args);
	va_end(args);
	l->length = MIN(l->length + (size_t)n, l->size - 1);
}

/* Copy a name and replace blanks and control characters by `_`: programs that parse the line expect
 * a name without blanks. */
static const char *clean(const char name[TRACE_NAME], char out[TRACE_NAME])
{
	strscpy(out, name, TRACE_NAME);
	for (char *c = out; *c; c++)
		if ((u8)*c <= ' ')
			*c = '_';
	return out;
}

/* Thread, process, CPU, context and time: the columns that begin each line. */
static void put_head(struct line *l, const struct trace_event *e, u32 cpu)
{
	char who[48], name[TRACE_NAME], pid[16] = "-------";

	snprintf(who, sizeof(who), "%s-%d", e->tid ? clean(e->name, name) : "<idle>", e->tid);
	if (e->pid)
		snprintf(pid, sizeof(pid), "%7d", e->pid);
	put(l, "%24s (%s) [%03u] %c%c%c%x %5llu.%09llu: ", who, pid, cpu,
	    e->context & TRACE_IRQS_OFF ? 'd' : '.', e->context & TRACE_NEED_RESCHED ? 'N' : '.',
	    e->context & TRACE_IN_IRQ ? 'h' : '.', e->context & TRACE_PREEMPT_MAX,
	    e->time_ns / NSEC_PER_SEC, e->time_ns % NSEC_PER_SEC);
}

/* "prev_comm=sh prev_pid=4 prev_prio=120" */
static void put_thread(struct line *l, const char *prefix, const char *name, tid_t tid, u8 priority,
		       s8 nice, u32 cpu)
{
	char out[TRACE_NAME];
	int prio = priority ? 99 - priority : 120 + nice; /* Linux's internal priority */

	if (tid)
		clean(name, out);
	else
		snprintf(out, sizeof(out), "swapper/%u", cpu);
	put(l, "%scomm=%s %spid=%d %sprio=%d", prefix, out, prefix, tid, prefix, prio);
}

static void put_switch(struct line *l, const struct trace_event *e, u32 cpu)
{
	static const char letters[] = "RSDTX"; /* by enum thread_state */
	/* By enum turn.  Linux has no such field; programs that read the line ignore it. */
	static const char *const turns[4] = {"", " next_turn=rest", " next_turn=woken", ""};
	u32 state = MIN(e->value >> TRACE_SWITCH_STATE, (u32)sizeof(letters) - 2);

	if (e->value & TRACE_SWITCH_RECORDED) {
		put(l, "sched_switch: ");
		put_thread(l, "prev_", e->name, e->tid, e->priority, e->nice, cpu);
		put(l, " prev_state=%c%s ==> ", letters[state],
		    e->tid && e->value & TRACE_SWITCH_PREEMPTED ? "+" : "");
		put_thread(l, "next_", e->other_name, e->other, e->other_priority, e->other_nice,
			   cpu);
		put(l, "%s", turns[e->value >> TRACE_SWITCH_TURN & 3]);
	}
	if (e->value & TRACE_SWITCH_RECORDED && e->value & TRACE_SWITCH_ROOT) {
		put(l, "\n");
		put_head(l, e, cpu);
	}
	if (e->value & TRACE_SWITCH_ROOT)
		put(l, "tlb_flush: pages:-1 reason:flush on task switch (0)");
}

static void put_text(struct line *l, const struct trace_event *e)
{
	/* The text may lack its NUL if it was overwritten during the copy. */
	for (size_t i = 0; i < TRACE_TEXT && e->text[i]; i++)
		put(l, "%c", (u8)e->text[i] < ' ' ? ' ' : e->text[i]);
}

static const char *vector_name(u32 vector)
{
	return vector == VECTOR_TIMER	     ? "local_timer"
	       : vector == VECTOR_RESCHEDULE ? "reschedule"
	       : vector == VECTOR_CALL	     ? "call_function"
	       : vector == VECTOR_SPURIOUS   ? "spurious_apic"
					     : "device";
}

static void put_body(struct line *l, const struct trace_event *e, u32 cpu)
{
	const u64 *a = e->args;
	char name[TRACE_NAME], other[TRACE_NAME];

	switch ((enum trace_type)e->type) {
	case TRACE_SWITCH:
		put_switch(l, e, cpu);
		return;
	case TRACE_WAKING:
		put_thread(l, "", e->other_name, e->other, e->other_priority, e->other_nice, cpu);
		put(l, " target_cpu=%03u", e->value);
		return;
	case TRACE_MIGRATE:
		put_thread(l, "", e->other_name, e->other, e->other_priority, e->other_nice, cpu);
		put(l, " orig_cpu=%u dest_cpu=%u", e->value & 0xffff, e->value >> 16);
		return;
	case TRACE_FORK:
		put(l, "comm=%s pid=%d child_comm=%s child_pid=%d", clean(e->name, name), e->tid,
		    clean(e->other_name, other), e->other);
		return;
	case TRACE_EXEC:
		put(l, "filename=");
		put_text(l, e);
		put(l, " pid=%d old_pid=%u", e->tid, e->value);
		return;
	case TRACE_EXIT:
		put_thread(l, "", e->name, e->tid, e->priority, e->nice, cpu);
		return;
	case TRACE_SYS_ENTER:
		put(l, "NR %u (%lx, %lx, %lx, %lx, %lx, %lx)", e->value, a[0], a[1], a[2], a[3],
		    a[4], a[5]);
		return;
	case TRACE_SYS_EXIT:
		put(l, "NR %u = %ld", e->value, (s64)a[0]);
		return;
	case TRACE_FAULT_USER:
	case TRACE_FAULT_KERNEL:
		put(l, "address=0x%lx ip=0x%lx error_code=0x%x", a[0], a[1], e->value);
		return;
	case TRACE_IRQ_ENTRY:
		put(l, "irq=%u name=%s", e->value, vector_name(e->value));
		return;
	case TRACE_IRQ_EXIT:
		put(l, "irq=%u ret=handled", e->value);
		return;
	case TRACE_MARK:
		put_text(l, e);
		return;
	case TRACE_TLB_FLUSH:
	case TRACE_TYPES:
		return;
	}
}

size_t trace_format(const struct trace_event *e, u32 cpu, char *buf, size_t size)
{
	struct line l = {buf, size, 0};

	put_head(&l, e, cpu);
	if (e->type == TRACE_MARK)
		put(&l, "tracing_mark_write: ");
	else if (e->type < TRACE_MARK && e->type != TRACE_SWITCH)
		put(&l, "%s: ", trace_names[e->type].event);
	put_body(&l, e, cpu);
	put(&l, "\n");
	return l.length;
}
