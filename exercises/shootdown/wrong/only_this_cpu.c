/* SPDX-License-Identifier: MIT
 *
 * Wrong: only the TLB of this CPU is flushed.
 */
/* Do what `f` asks on this CPU and on the CPUs of `cpus`, which other CPUs may change.  Waits for
 * them. */
static void flush_on(const struct cpumask *cpus, struct flush *f)
{
	u64 flags;

	preempt_disable();
	/* Full barrier: the caller's changes of entries must be visible before `cpus` is read.
	 * Pairs with cpumask_set() in pmap_switch(). */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	(void)cpus;
	flags = irq_save();
	flush_here(f);
	irq_restore(flags);
	preempt_enable();
}
