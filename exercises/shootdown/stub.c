/* SPDX-License-Identifier: MIT */

/* Do what `f` asks (flush_here()) on this CPU and on the CPUs of `cpus`, and return when all have
 * done it.  `cpus` is the mask of the CPUs that have a root loaded (pmap.active) or of all CPUs.
 * The other CPUs change it at any time, so work with a copy of it.
 *
 * The caller has just changed page-table entries.  Its stores must be visible before the mask is
 * read: a CPU that loads the root later then sees the new entries, and a CPU that loaded it earlier
 * is in the mask.  This pairs with cpumask_set() in pmap_switch().  Preemption must be off from the
 * reading of the mask on, so that "this CPU" stays the same.  flush_here() wants interrupts off.
 *
 * If there are other CPUs, count in this CPU's tlb_counters: one shootdown, and how many CPUs. */
static void flush_on(const struct cpumask *cpus, struct flush *f)
{
	/* Here: every CPU keeps its old translations, this one as well. */
	(void)cpus;
	(void)f;
	(void)flush_here;
}

/* Run fn(arg) on every online CPU of `mask` except this one, in interrupt context, and return when
 * all have run it.  Preemption is off; interrupts may be on or off.
 *
 * Each CPU has one request, `call_request`, for the calls that it makes.  The CPU that is called
 * finds out by its bits in `call_senders` who calls it, runs the function, and clears its own bit
 * in `waiting` of the request (smp_call_answer(), above).  So: fill in the request; set the bit of
 * this CPU in call_senders of each CPU in `waiting`, and then interrupt that CPU (apic_send_ipi()
 * with VECTOR_CALL).  Until `waiting` is empty, the request and what `arg` points to are in use.
 *
 * Another CPU may call this one at the same time, with interrupts off on both: answer it
 * (smp_call_answer()) while you wait.  A CPU that does not answer within CALL_PATIENCE_NS is a
 * panic().  During a panic (panic_in_progress) do not wait. */
void smp_call(const struct cpumask *mask, void (*fn)(void *arg), void *arg)
{
	/* Here: no call is made.  On one CPU none is needed. */
	if (cpumask_count(&cpus_online) > 1)
		panic("exercise shootdown: smp_call() is not written yet");
	(void)mask;
	(void)fn;
	(void)arg;
	(void)call_senders;
}

/* Unmap the pages in [start, end) and drop their references.  `flush` false: the space is being
 * freed, and no thread can use its translations any more.
 *
 * A frame may be freed only when no TLB has a translation to it: until then a thread on another CPU
 * can write to it, and it may already belong to another process.  So first the entries, then the
 * flush (tlb_shootdown()), then page_put().  The flush comes before page_table_lock is released: a
 * thread that finds the entry empty can then rely on it that no CPU uses the old one.  page_put()
 * comes after the release. */
void pages_zap(struct region *r, u64 start, u64 end, bool flush)
{
	struct address_space *as = r->space;

	while (start < end) {
		struct page *gone[ZAP_BATCH];
		/* [first, last) had entries: it is often much smaller than [start, end), and so is
		 * the flush. */
		u64 first = 0, last = 0, stop, *slot;
		u32 n = 0;

		spin_lock(&as->page_table_lock);
		slot = pte_next(as, &start, end, &stop);
		for (; slot && start < stop && n < ZAP_BATCH; start += PAGE_SIZE, slot++) {
			struct page *page;

			if (!*slot)
				continue;
			if (!last) {
				first = start;
				as->peak_resident = address_space_peak(as);
			}
			last = start + PAGE_SIZE;
			page = pte_page(*slot);
			if (page) {
				pte_count(r, page, -1);
				gone[n++] = page;
			}
			/* At once: until it is 0 the processor may set PTE_DIRTY. */
			if (r->shared && __atomic_exchange_n(slot, 0, __ATOMIC_RELAXED) & PTE_DIRTY)
				WRITE_ONCE(r->object->written, true);
			WRITE_ONCE(*slot, 0);
		}
		/* Here: `gone` has the `n` pages whose entries are clear now.  They are not freed,
		 * and no TLB is flushed. */
		(void)gone;
		(void)first;
		(void)flush;
		spin_unlock(&as->page_table_lock);
	}
}
