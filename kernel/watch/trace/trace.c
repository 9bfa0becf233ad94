/* SPDX-License-Identifier: MIT
 *
 * The ring buffers of events, one for each CPU.  Only that CPU writes to its ring, with interrupts
 * off.  Readers copy events while it writes, and compare with the writer's `head` afterwards: it
 * shows whether the copied event was overwritten in the meantime.
 */
#include "kernel/watch/trace/trace.h"

#include "arch/x86_64/pc/acpi.h"
#include "arch/x86_64/pc/smp.h"
#include "boot/cmdline.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/init.h"
#include "kernel/log/log.h"
#include "kernel/mem/page.h"
#include "kernel/mem/slab.h"

#define KB_PER_PAGE (PAGE_SIZE / 1024)
#define KB_MAX	    (1UL << 20) /* 1 GiB for each CPU */

#define SCHEDULING                                                                                 \
	(1U << TRACE_SWITCH | 1U << TRACE_WAKING | 1U << TRACE_MIGRATE | 1U << TRACE_FORK |        \
	 1U << TRACE_EXEC | 1U << TRACE_EXIT | 1U << TRACE_TLB_FLUSH)

u32 trace_mask __hot_data = SCHEDULING | 1U << TRACE_MARK;

struct trace_ring *trace_rings[MAX_CPUS];
DEFINE_PER_CPU(struct trace_writer, trace_writer);
static u32 ring_count;

_Static_assert(sizeof(struct trace_event) == 128, "two cache lines");
_Static_assert(offsetof(struct trace_event, other_name) + TRACE_NAME == 64, "a switch fills one");

/* Called if the page is full, if the CPU had no ring so far, or if its ring was replaced. */
bool __noinline trace_next_page(struct trace_writer *w)
{
	struct trace_ring *r = READ_ONCE(trace_rings[this_cpu_id()]);

	if (!r)
		return false;
	if (w->ring != r) {
		w->head = 0;
		__atomic_store_n(&w->ring, r, __ATOMIC_RELEASE);
	}
	w->next = trace_event_at(r, w->head);
	return true;
}

/* --- Reading ---------------------------------------------------------------------------------- */

/* Number of events that `cpu` has completed in its present ring; 0 if its writer has not moved to
 * that ring yet. */
static u64 head_of(u32 cpu)
{
	struct trace_writer *w = cpu_get(cpu) ? per_cpu_ptr(trace_writer, cpu) : NULL;

	if (!w || __atomic_load_n(&w->ring, __ATOMIC_ACQUIRE) != trace_rings[cpu])
		return 0;
	return __atomic_load_n(&w->head, __ATOMIC_ACQUIRE);
}

/* The number of the oldest event that is still in the ring. */
static u64 oldest(const struct trace_ring *r, u64 head)
{
	return MAX(r->start, head > r->mask ? head - r->mask : 0);
}

void trace_advance(struct trace_cursor *c)
{
	struct trace_ring *r = trace_rings[c->cpu];

	c->valid = false;
	while (!c->valid && c->next < c->end) {
		u64 head;

		c->event = *trace_event_at(r, c->next);
		/* Skip the event if it was overwritten before or during the copy, or if the ring
		 * was replaced and the new one does not have it.  Fence: the copy must be complete
		 * before `head` is read. */
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		head = head_of(c->cpu);
		c->valid = c->next >= oldest(r, head) && c->next < head;
		c->next++;
	}
}

void trace_rewind(struct trace_cursor *c, u32 cpu, u64 max)
{
	struct trace_ring *r = cpu < ring_count ? trace_rings[cpu] : NULL;

	c->cpu = cpu;
	c->next = c->end = r ? head_of(cpu) : 0;
	if (r)
		c->next = MAX(oldest(r, c->end), c->end - MIN(c->end, max));
	trace_advance(c);
}

void trace_stats_read(u32 cpu, struct trace_stats *stats)
{
	struct trace_ring *r = cpu < ring_count ? trace_rings[cpu] : NULL;
	u64 head = r ? head_of(cpu) : 0;

	*stats = (struct trace_stats){0};
	if (!r)
		return;
	stats->entries = head - oldest(r, head);
	stats->overrun = oldest(r, head) - r->start;
}

void trace_clear(void)
{
	for (u32 cpu = 0; cpu < ring_count; cpu++)
		if (trace_rings[cpu])
			trace_rings[cpu]->start = head_of(cpu);
}

/* --- Size ------------------------------------------------------------------------------------- */

static void ring_free(struct trace_ring *r)
{
	if (!r)
		return;
	for (u64 i = 0; i <= r->mask / TRACE_PER_PAGE; i++)
		kfree(r->pages[i]);
	kfree(r);
}

static struct trace_ring *ring_alloc(u64 pages)
{
	struct trace_ring *r = kzalloc(sizeof(*r) + pages * sizeof(r->pages[0]));
	bool enough = true;

	if (!r)
		return NULL;
	r->mask = pages * TRACE_PER_PAGE - 1;
	for (u64 i = 0; enough && i < pages; i++)
		enough = (r->pages[i] = kzalloc(PAGE_SIZE)) != NULL;
	if (enough)
		return r;
	ring_free(r);
	return NULL;
}

/* Runs on each CPU with interrupts off, so not within an event.  The CPU forgets its old ring. */
static void leave_ring(void *unused)
{
	*this_cpu_ptr(trace_writer) = (struct trace_writer){0};
}

/* Make all CPUs forget their old rings.  After this no CPU writes to one. */
static void leave_rings(void)
{
	u64 flags;

	preempt_disable();
	smp_call(&cpus_online, leave_ring, NULL);
	flags = irq_save();
	leave_ring(NULL);
	irq_restore(flags);
	preempt_enable();
}

int trace_resize(u64 kb)
{
	u64 pages = 1;
	struct trace_ring **new;

	if (!kb || kb > KB_MAX)
		return -EINVAL;
	while (pages * KB_PER_PAGE < kb)
		pages *= 2;
	new = kzalloc(ring_count * sizeof(*new));
	if (!new)
		return -ENOMEM;
	for (u32 cpu = 0; cpu < ring_count; cpu++) {
		new[cpu] = ring_alloc(pages);
		if (new[cpu])
			continue;
		while (cpu--)
			ring_free(new[cpu]);
		kfree(new);
		return -ENOMEM;
	}
	for (u32 cpu = 0; cpu < ring_count; cpu++)
		new[cpu] = __atomic_exchange_n(&trace_rings[cpu], new[cpu], __ATOMIC_ACQ_REL);
	leave_rings();
	for (u32 cpu = 0; cpu < ring_count; cpu++)
		ring_free(new[cpu]);
	kfree(new);
	return 0;
}

u64 trace_size_kb(void)
{
	return trace_rings[0] ? (trace_rings[0]->mask + 1) / TRACE_PER_PAGE * KB_PER_PAGE : 0;
}

static void trace_start(void)
{
	u64 kb;

	ring_count = MIN(MAX(acpi_info.cpu_count, 1U), (u32)MAX_CPUS);
	/* 512 KiB for each CPU (4096 events), but at most 1/64 of the free memory for all rings. */
	kb = MIN(512UL, page_free_count() * (PAGE_SIZE / 1024) / 64 / ring_count);
	kb = cmdline_get_u64("trace_buf_kb", MAX(kb, 4UL));
	if (trace_resize(kb))
		log_warn("trace: cannot allocate rings of %lu KiB for %u CPUs; nothing is recorded "
			 "(trace_buf_kb=N sets the size)",
			 kb, ring_count);
}

EARLY_INIT_CALL(10, trace_start);
