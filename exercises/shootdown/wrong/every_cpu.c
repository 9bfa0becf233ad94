/* SPDX-License-Identifier: MIT
 *
 * Wrong: every CPU is interrupted, not only those that have the root.
 */
/* Do what `f` asks on this CPU and on the CPUs of `cpus`, which other CPUs may change.  Waits for
 * them. */
static void flush_on(const struct cpumask *cpus, struct flush *f)
{
	struct cpumask others;
	u64 flags;

	preempt_disable();
	/* Full barrier: the caller's changes of entries must be visible before `cpus` is read.
	 * Pairs with cpumask_set() in pmap_switch(). */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	(void)cpus;
	others = cpus_online;
	cpumask_clear(&others, this_cpu_id());
	flags = irq_save();
	flush_here(f);
	irq_restore(flags);
	if (!cpumask_empty(&others)) {
		struct tlb_stats *stats = this_cpu_ptr(tlb_counters);

		stats->shootdowns++;
		stats->remote_cpus += cpumask_count(&others);
		smp_call(&others, flush_here, f);
	}
	preempt_enable();
}
