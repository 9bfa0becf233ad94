/* SPDX-License-Identifier: MIT
 *
 * The ring of scheduling events, one a CPU.  A slot is claimed by one atomic addition, so an
 * interrupt or NMI in the middle of a write takes the next slot.
 */
#include "kernel/trace/trace.h"

#include "arch/x86_64/clock.h"
#include "arch/x86_64/percpu.h"
#include "kernel/lib/format.h"

u32 trace_mask = 1U << TRACE_SWITCH | 1U << TRACE_WAKE | 1U << TRACE_FORK | 1U << TRACE_EXEC |
		 1U << TRACE_EXIT | 1U << TRACE_MIGRATE;

static struct trace_event *rings;
static u32 ring_count;
static DEFINE_PER_CPU(u64, next_slot);

void trace_init(void *memory, u32 cpus)
{
	ring_count = cpus;
	__atomic_store_n(&rings, memory, __ATOMIC_RELEASE);
}

void trace_write(enum trace_type type, u32 a, u64 b, u64 c)
{
	struct trace_event *e;
	u64 slot;
	u32 cpu;

	if (!rings)
		return;
	preempt_disable();
	cpu = this_cpu_id();
	if (cpu < ring_count) {
		slot = __atomic_fetch_add(this_cpu_ptr(next_slot), 1, __ATOMIC_RELAXED);
		e = &rings[(u64)cpu * TRACE_RING_EVENTS + slot % TRACE_RING_EVENTS];
		WRITE_ONCE(e->time_ns, 0);
		barrier();
		e->type = type;
		e->a = a;
		e->b = b;
		e->c = c;
		__atomic_store_n(&e->time_ns, clock_now_ns(), __ATOMIC_RELEASE);
	}
	preempt_enable_no_resched();
}

size_t trace_read(u32 cpu, struct trace_event *events, size_t max)
{
	u64 end, start;
	size_t n = 0;

	if (!rings || cpu >= ring_count)
		return 0;
	end = __atomic_load_n(per_cpu_ptr(next_slot, cpu), __ATOMIC_ACQUIRE);
	start = end > TRACE_RING_EVENTS ? end - TRACE_RING_EVENTS : 0;
	if (end - start > max)
		start = end - max;
	for (u64 i = start; i < end; i++) {
		struct trace_event *e = &rings[(u64)cpu * TRACE_RING_EVENTS + i % TRACE_RING_EVENTS];
		u64 time = __atomic_load_n(&e->time_ns, __ATOMIC_ACQUIRE);

		if (!time)
			continue;
		events[n] = *e;
		/* Overwritten while it was copied: leave it out. */
		if (READ_ONCE(e->time_ns) == time)
			n++;
	}
	return n;
}

size_t trace_format(const struct trace_event *e, char *buf, size_t size)
{
	static const char *const formats[TRACE_TYPES] = {
		[TRACE_SWITCH] = "switch %u -> %lu (%#lx)",
		[TRACE_WAKE] = "wake %u on cpu %lu",
		[TRACE_FORK] = "fork: child %u of process %lu",
		[TRACE_EXEC] = "exec in process %u",
		[TRACE_EXIT] = "exit of %u, code %#lx",
		[TRACE_MIGRATE] = "migrate %u from cpu %lu to cpu %lu",
		[TRACE_SYSCALL] = "%u enters system call %lu",
		[TRACE_SYSCALL_END] = "%u leaves system call %lu, result %#lx",
		[TRACE_PAGE_FAULT] = "%u page fault, code %#lx, at %#lx",
		[TRACE_IRQ] = "%u interrupted by vector %lu",
	};
	size_t n;

	if (e->type >= TRACE_TYPES || !formats[e->type])
		return 0;
	n = (size_t)scnprintf(buf, size, "%llu.%09llu ", e->time_ns / NSEC_PER_SEC,
			      e->time_ns % NSEC_PER_SEC);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
	return n + (size_t)scnprintf(buf + n, size - n, formats[e->type], e->a, e->b, e->c);
#pragma GCC diagnostic pop
}
