/* SPDX-License-Identifier: MIT
 *
 * Wrong: a CPU that waits for an answer gives none itself, so two callers wait for each other.
 */
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
		cpu_relax();
		if (clock_now_ns() - since > CALL_PATIENCE_NS)
			panic("CPU %u does not answer a call of CPU %u within 10 s",
			      cpumask_next(&r->waiting, 0), self);
	}
}
