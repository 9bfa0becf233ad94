/* SPDX-License-Identifier: MIT
 *
 * Wrong: the calls are sent, and not waited for.
 */
void smp_call(const struct cpumask *mask, void (*fn)(void *arg), void *arg)
{
	struct call_request *r = this_cpu_ptr(call_request);
	u32 self = this_cpu_id();

	/* A CPU has one request.  A handler must not call this function while its CPU waits below.
	 */
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
}
