/* SPDX-License-Identifier: MIT
 *
 * The rings of events, one a CPU, each of single pages, so that memory in pieces is enough.  Only
 * its CPU writes to a ring, with interrupts off; others read it meanwhile, and see by the sequence
 * number whether what they copied was overwritten.
 */
#include "kernel/trace/trace.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/smp.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/panic.h"

#define EVENTS_PER_PAGE (PAGE_SIZE / sizeof(struct trace_event))
#define KB_PER_PAGE	(PAGE_SIZE / 1024)
#define KB_MAX		(1UL << 20) /* 1 GiB a CPU */

struct ring {
	u64 head;  /* slots ever claimed; its CPU's alone */
	u64 start; /* where the last trace_clear() found it */
	u64 mask;  /* events that it holds, less one */
	struct trace_event *pages[];
};

#define SCHEDULING                                                                                 \
	(1U << TRACE_SWITCH | 1U << TRACE_WAKING | 1U << TRACE_MIGRATE | 1U << TRACE_FORK |        \
	 1U << TRACE_EXEC | 1U << TRACE_EXIT | 1U << TRACE_TLB_FLUSH)

u32 trace_mask = SCHEDULING | 1U << TRACE_MARK;

static struct ring *rings[MAX_CPUS];
static u32 ring_count;
static void *(*memory_alloc)(size_t bytes);
static void (*memory_free)(void *memory);

_Static_assert(sizeof(struct trace_event) == 128, "two cache lines");
_Static_assert(offsetof(struct trace_event, other_name) + TRACE_NAME == 64, "a switch takes one");

/* Of an event that is complete; one less while it is being written. */
static u32 sequence_of(u64 slot)
{
	return (u32)slot << 1 | 1;
}

static struct trace_event *event_at(struct ring *r, u64 slot)
{
	slot &= r->mask;
	return &r->pages[slot / EVENTS_PER_PAGE][slot % EVENTS_PER_PAGE];
}

struct trace_event *trace_claim(enum trace_type type)
{
	struct cpu *cpu = this_cpu();
	struct ring *r = READ_ONCE(rings[cpu->id]);
	struct trace_event *e;

	assert(!irqs_enabled());
	if (unlikely(!r))
		return NULL;
	e = event_at(r, r->head);
	WRITE_ONCE(e->sequence, sequence_of(r->head) - 1);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	WRITE_ONCE(r->head, r->head + 1);
	e->type = (u8)type;
	e->context = (u8)(MIN(cpu->preempt_count, (u32)TRACE_PREEMPT_MAX) |
			  (cpu->irq_depth ? TRACE_IN_IRQ : 0) |
			  (cpu->need_resched ? TRACE_NEED_RESCHED : 0));
	return e;
}

void trace_commit(struct trace_event *e)
{
	__atomic_store_n(&e->sequence, e->sequence + 1, __ATOMIC_RELEASE);
}

/* --- Reading ---------------------------------------------------------------------------------- */

/* Of the events from `start` on the ring still holds those from here on. */
static u64 oldest(const struct ring *r, u64 head)
{
	return MAX(r->start, head > r->mask ? head - r->mask - 1 : 0);
}

void trace_advance(struct trace_cursor *c)
{
	struct ring *r = rings[c->cpu];

	c->valid = false;
	while (!c->valid && c->next < c->end) {
		struct trace_event *e = event_at(r, c->next);
		u32 sequence = sequence_of(c->next++);

		if (__atomic_load_n(&e->sequence, __ATOMIC_ACQUIRE) != sequence)
			continue;
		c->event = *e;
		/* Overwritten while it was copied: leave it out. */
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		c->valid = READ_ONCE(e->sequence) == sequence;
	}
}

void trace_rewind(struct trace_cursor *c, u32 cpu, u64 max)
{
	struct ring *r = cpu < ring_count ? rings[cpu] : NULL;

	c->cpu = cpu;
	c->next = c->end = r ? __atomic_load_n(&r->head, __ATOMIC_ACQUIRE) : 0;
	if (r)
		c->next = MAX(oldest(r, c->end), c->end - MIN(c->end, max));
	trace_advance(c);
}

void trace_stats_read(u32 cpu, struct trace_stats *stats)
{
	struct ring *r = cpu < ring_count ? rings[cpu] : NULL;
	u64 head = r ? __atomic_load_n(&r->head, __ATOMIC_ACQUIRE) : 0;

	*stats = (struct trace_stats){0};
	if (!r)
		return;
	stats->entries = head - oldest(r, head);
	stats->overrun = oldest(r, head) - r->start;
}

void trace_clear(void)
{
	for (u32 cpu = 0; cpu < ring_count; cpu++)
		if (rings[cpu])
			rings[cpu]->start = __atomic_load_n(&rings[cpu]->head, __ATOMIC_ACQUIRE);
}

/* --- Size ------------------------------------------------------------------------------------- */

void trace_init(u32 cpus, void *(*alloc)(size_t bytes), void (*free)(void *memory))
{
	ring_count = cpus;
	memory_alloc = alloc;
	memory_free = free;
}

static void ring_free(struct ring *r)
{
	if (!r)
		return;
	for (u64 i = 0; i <= r->mask / EVENTS_PER_PAGE; i++)
		memory_free(r->pages[i]);
	memory_free(r);
}

static struct ring *ring_alloc(u64 pages)
{
	struct ring *r = memory_alloc(sizeof(*r) + pages * sizeof(r->pages[0]));
	bool enough = true;

	if (!r)
		return NULL;
	r->mask = pages * EVENTS_PER_PAGE - 1;
	for (u64 i = 0; enough && i < pages; i++)
		enough = (r->pages[i] = memory_alloc(PAGE_SIZE)) != NULL;
	if (enough)
		return r;
	ring_free(r);
	return NULL;
}

static void nothing(void *unused)
{
}

/* Writers use a ring with interrupts off: a CPU that has answered holds the old one no more. */
static void wait_for_writers(void)
{
	preempt_disable();
	smp_call(&cpus_online, nothing, NULL);
	preempt_enable();
}

int trace_resize(u64 kb)
{
	u64 pages = 1;
	struct ring **new;

	if (!kb || kb > KB_MAX)
		return -EINVAL;
	while (pages * KB_PER_PAGE < kb)
		pages *= 2;
	new = memory_alloc(ring_count * sizeof(*new));
	if (!new)
		return -ENOMEM;
	for (u32 cpu = 0; cpu < ring_count; cpu++) {
		new[cpu] = ring_alloc(pages);
		if (new[cpu])
			continue;
		while (cpu--)
			ring_free(new[cpu]);
		memory_free(new);
		return -ENOMEM;
	}
	for (u32 cpu = 0; cpu < ring_count; cpu++)
		new[cpu] = __atomic_exchange_n(&rings[cpu], new[cpu], __ATOMIC_ACQ_REL);
	wait_for_writers();
	for (u32 cpu = 0; cpu < ring_count; cpu++)
		ring_free(new[cpu]);
	memory_free(new);
	return 0;
}

u64 trace_size_kb(void)
{
	return rings[0] ? (rings[0]->mask + 1) / EVENTS_PER_PAGE * KB_PER_PAGE : 0;
}
