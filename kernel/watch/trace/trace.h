/* SPDX-License-Identifier: MIT
 *
 * The last events of each CPU in a ring.  Writing takes no lock and costs a few dozen instructions;
 * the text is Linux's ftrace form.  Who fills events in: kernel/watch/trace/trace_thread.h.
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

/* 128 bytes; a switch touches the first cache line alone. */
struct trace_event {
	u8 type;
	s8 nice; /* of tid, and its real-time priority or 0 */
	u8 priority, context;
	s8 other_nice;
	u8 other_priority;
	u64 time_ns;
	tid_t tid; /* who ran on the CPU; whom it is about: `other` */
	pid_t pid; /* of tid; 0: a kernel thread */
	tid_t other;
	u32 value;
	char name[TRACE_NAME]; /* of tid */
	union {
		char other_name[TRACE_NAME];
		u64 args[6];
		char text[TRACE_TEXT];
	};
};

#define TRACE_PER_PAGE (PAGE_SIZE / sizeof(struct trace_event))

/* The ring of a CPU, of single pages, so that memory in pieces is enough. */
struct trace_ring {
	u64 start; /* trace_writer.head where the last trace_clear() found it */
	u64 mask;  /* slots, less one; and events that it holds: one slot may be half written */
	struct trace_event *pages[];
};
extern struct trace_ring *trace_rings[MAX_CPUS];

static inline struct trace_event *trace_event_at(struct trace_ring *r, u64 slot)
{
	slot &= r->mask;
	return &r->pages[slot / TRACE_PER_PAGE][slot % TRACE_PER_PAGE];
}

/* What a CPU needs to write, among its variables, as each page that a switch touches costs it. */
struct trace_writer {
	struct trace_event *next; /* the slot of `head`; NULL: to be looked up */
	u64 head;		  /* events ever completed */
	struct trace_ring *ring;  /* where they are; another one than trace_rings has: nowhere */
};
extern struct trace_writer trace_writer;

/* Let the writer of the calling CPU go on: to the next page, or into the ring that the CPU has now.
 * False: it has no ring. */
bool trace_next_page(struct trace_writer *w);

/* The slot that `w`, the writer of the calling CPU, fills next; not NULL.  Interrupts are off from
 * here to trace_commit(), so there is one writer a ring, and none when a CPU answers smp_call(). */
static inline struct trace_event *trace_claim(struct trace_writer *w, enum trace_type type,
					      u32 context)
{
	struct trace_event *e = w->next;

	assert(!irqs_enabled());
	e->type = (u8)type;
	e->context = (u8)context;
	return e;
}

/* Readers take only what `head` has passed, and nothing that it has passed by a whole round. */
static inline void trace_commit(struct trace_writer *w, struct trace_event *e)
{
	w->next = (u64)++e % PAGE_SIZE ? e : NULL;
	/* One instruction; a release, as any store is on this processor. */
	__asm__ volatile("incq %0" : "+m"(w->head) : : "memory");
}

/* --- Reading.  Readers, trace_resize() and trace_clear() exclude each other (tracefs.c); a report
 * of a kernel that stops excludes nobody, the others being stopped. ------------------------------
 */

/* A place in the ring of one CPU, from the oldest event, or the last `max`, to what is the newest
 * now. */
struct trace_cursor {
	u64 next, end;
	u32 cpu;
	bool valid;
	struct trace_event event; /* the one it stands at, where valid */
};

void trace_rewind(struct trace_cursor *c, u32 cpu, u64 max);
void trace_advance(struct trace_cursor *c); /* to the next event that is still there */

/* One event as a line or lines of text, each with its newline; at most TRACE_LINE bytes. */
#define TRACE_LINE 512
size_t trace_format(const struct trace_event *e, u32 cpu, char *buf, size_t size);

struct trace_stats {
	u64 entries; /* in the ring */
	u64 overrun; /* overwritten since it was cleared */
};
void trace_stats_read(u32 cpu, struct trace_stats *stats);
void trace_clear(void);

/* "sched", "sched_switch"; TRACE_MARK and later have none. */
struct trace_name {
	const char *system, *event;
};
extern const struct trace_name trace_names[TRACE_MARK];

/* --- Size ------------------------------------------------------------------------------------- */

/* Give each CPU a new, empty ring of at least `kb` KiB, rounded up to a power of two pages; or
 * -ENOMEM or -EINVAL, and all is as before.  Preemption on, interrupts on. */
int trace_resize(u64 kb);
u64 trace_size_kb(void); /* 0: no rings */
