/* SPDX-License-Identifier: MIT
 *
 * Calling functions on other CPUs by an interrupt (IPI).
 */
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/descriptors.h"
#include "arch/x86_64/cpu/layout.h"
#include "arch/x86_64/cpu/percpu.h"
#include "arch/x86_64/pc/apic.h"
#include "arch/x86_64/pc/clock.h"
#include "arch/x86_64/pc/smp.h"
#include "kernel/log/panic.h"
#include "kernel/mem/page.h"
#include "kernel/mem/slab.h"

#define CALL_PATIENCE_NS (10 * NSEC_PER_SEC)

struct call_request {
	void (*fn)(void *arg);
	void *arg;
	struct cpumask waiting; /* CPUs that have not run it yet; each clears its own bit */
};

static DEFINE_PER_CPU(struct call_request, call_request); /* of this CPU, the sender */
static DEFINE_PER_CPU(struct cpumask, call_senders);	  /* CPUs with a request for this CPU */

void smp_call_answer(void)
{
	struct cpumask *senders = this_cpu_ptr(call_senders);
	u32 self = this_cpu_id();
	u64 flags = irq_save();

	cpumask_for_each (sender, senders) {
		struct call_request *r = per_cpu_ptr(call_request, sender);

		/* Clearing the bit is a full barrier.  It pairs with cpumask_set() in smp_call():
		 * the sender's stores to *r are visible here. */
		if (!cpumask_test_and_clear(senders, sender))
			continue;
		r->fn(r->arg);
		cpumask_clear(&r->waiting, self); /* from here on the sender may change *r */
	}
	irq_restore(flags);
}

void smp_call(const struct cpumask *mask, void (*fn)(void *arg), void *arg)
{
	struct call_request *r = this_cpu_ptr(call_request);
	u32 self = this_cpu_id();
	u64 since;

	/* A CPU has one request.  A handler must not call this function while its CPU waits below.
	 */
	require(cpumask_empty(&r->waiting) || panic_in_progress);
	r->fn = fn;
	r->arg = arg;
	for (u32 i = 0; i < MAX_CPUS / 64; i++)
		r->waiting.bits[i] = mask->bits[i] & READ_ONCE(cpus_online.bits[i]);
	r->waiting.bits[self / 64] &= ~(1UL << self % 64);
	if (cpumask_empty(&r->waiting))
		return;

	cpumask_for_each (cpu, &r->waiting) {
		cpumask_set(per_cpu_ptr(call_senders, cpu), self);
		apic_send_ipi(cpu_get(cpu)->apic_id, VECTOR_CALL);
	}

	since = clock_now_ns();
	while (!cpumask_empty(&r->waiting)) {
		if (READ_ONCE(panic_in_progress))
			return;
		smp_call_answer(); /* or two callers would wait for each other */
		cpu_relax();
		if (clock_now_ns() - since > CALL_PATIENCE_NS)
			panic("CPU %u does not answer a call of CPU %u within 10 s",
			      cpumask_next(&r->waiting, 0), self);
	}
}

void smp_reschedule(u32 cpu)
{
	apic_send_ipi(cpu_get(cpu)->apic_id, VECTOR_RESCHEDULE);
}

/* --- Free frames in the caches of other CPUs -------------------------------------------------- */

static void drain_here(void *unused)
{
	slab_drain_this_cpu(); /* may free frames */
	page_drain_this_cpu();
}

static void drain_others(void)
{
	preempt_disable();
	smp_call(&cpus_online, drain_here, NULL);
	preempt_enable();
}

void smp_call_init(void)
{
	shrinker_register(drain_others);
}
