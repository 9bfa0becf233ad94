/* SPDX-License-Identifier: MIT
 *
 * A ring buffer of the last events of each CPU.  Writing takes no lock and costs a few dozen
 * instructions; the text has the format of Linux's ftrace.  kernel/task/probe.h has the functions
 * that record events.
 */
#pragma once

#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/percpu.h"
#include "kernel/log/panic.h"
#include "kernel/task/probe.h"

/* struct trace_event.context: the low bits are the preemption count. */
#define TRACE_IRQS_OFF	   0x80
#define TRACE_IN_IRQ	   0x40
#define TRACE_NEED_RESCHED 0x20
#define TRACE_PREEMPT_MAX  0x0f

#define TRACE_NAME	   16

/* 128 bytes; a context switch writes the first cache line only. */
struct trace_event {
	u8 type;
	s8 nice;     /* of thread `tid` */
	u8 priority; /* its real-time priority, or 0 */
	u8 context;  /* TRACE_IRQS_OFF to TRACE_PREEMPT_MAX */
	s8 other_nice;
	u8 other_priority;
	u64 time_ns;
	tid_t tid;   /* the thread that ran on the CPU */
	pid_t pid;   /* its process; 0: a kernel thread */
	tid_t other; /* the thread that the event is about: switched to, woken, moved, created */
	u32 value;   /* depends on the type (probe.h) */
	char name[TRACE_NAME]; /* of thread `tid` */
	union {
		char other_name[TRACE_NAME];
		u64 args[6];
		char text[TRACE_TEXT];
	};
};

#define TRACE_PER_PAGE (PAGE_SIZE / sizeof(struct trace_event))

/* The ring buffer of one CPU.  It consists of single pages, so fragmented memory is enough. */
struct trace_ring {
	u64 start; /* value of trace_writer.head at the last trace_clear() */
	u64 mask;  /* number of slots - 1, and of events to be read: one may be half written */
	struct trace_event *pages[];
};
extern struct trace_ring *trace_rings[MAX_CPUS];

static inline struct trace_event *trace_event_at(struct trace_ring *r, u64 slot)
{
	slot &= r->mask;
	return &r->pages[slot / TRACE_PER_PAGE][slot % TRACE_PER_PAGE];
}

/* The state of a CPU's writer.  It lies in the per-CPU area, so that a switch touches one page
 * less. */
struct trace_writer {
	struct trace_event *next; /* the slot of `head`; NULL: call trace_next_page() first */
	u64 head;		  /* number of events completed so far */
	struct trace_ring *ring;  /* the ring of `head` and `next`; stale if trace_rings differs */
};
extern struct trace_writer trace_writer;

/* Move the writer of the calling CPU to its next page, or to the CPU's new ring.  False if the CPU
 * has no ring.  Interrupts are off. */
bool trace_next_page(struct trace_writer *w);

/* Return the slot that the calling CPU fills next, with type and context set.  w->next must not be
 * NULL.  Interrupts stay off until trace_commit(): so a ring has one writer at a time, and a CPU
 * that runs a function of smp_call() is not in the middle of an event. */
static inline struct trace_event *trace_claim(struct trace_writer *w, enum trace_type type,
					      u32 context)
{
	struct trace_event *e = w->next;

	assert(!irqs_enabled());
	e->type = (u8)type;
	e->context = (u8)context;
	return e;
}

/* Make the event visible.  Readers copy only events before `head` that have not been overwritten
 * since. */
static inline void trace_commit(struct trace_writer *w, struct trace_event *e)
{
	e++;
	w->next = (u64)e % PAGE_SIZE ? e : NULL; /* NULL: the page is full */
	/* One instruction.  On x86 every store is a release: the event is visible before `head`
	 * counts it.  Pairs with the acquire in head_of(). */
	__asm__ volatile("incq %0" : "+m"(w->head) : : "memory");
}

/* --- Reading ----------------------------------------------------------------------------------
 *
 * A mutex in tracefs.c excludes readers, trace_resize() and trace_clear() from each other.  The
 * panic report takes no lock, since the other CPUs are stopped. */

/* A position in the ring of one CPU. */
struct trace_cursor {
	u64 next, end;
	u32 cpu;
	bool valid;		  /* false: there are no more events */
	struct trace_event event; /* if valid: a copy of the event at the position */
};

/* Set the cursor to the oldest event of the last `max`; it ends at the newest event of now. */
void trace_rewind(struct trace_cursor *c, u32 cpu, u64 max);
/* Move to the next event that has not been overwritten. */
void trace_advance(struct trace_cursor *c);

/* Format one event as one or two lines of text, at most TRACE_LINE bytes.  Returns the length. */
#define TRACE_LINE 512
size_t trace_format(const struct trace_event *e, u32 cpu, char *buf, size_t size);

struct trace_stats {
	u64 entries; /* events in the ring */
	u64 overrun; /* events overwritten since the ring was cleared */
};
void trace_stats_read(u32 cpu, struct trace_stats *stats);
void trace_clear(void);

/* For example "sched", "sched_switch".  TRACE_MARK and later types have no name. */
struct trace_name {
	const char *system, *event;
};
extern const struct trace_name trace_names[TRACE_MARK];

/* --- Size ------------------------------------------------------------------------------------- */

/* Give each CPU a new, empty ring of at least `kb` KiB, rounded up to a power of two pages.  After
 * -ENOMEM or -EINVAL the old rings remain.  Called with preemption and interrupts on. */
int trace_resize(u64 kb);
u64 trace_size_kb(void); /* 0: no rings */
