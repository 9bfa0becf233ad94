/* SPDX-License-Identifier: MIT */

/* Make `next` the page-table root of this CPU.  NULL means: any root will do, because a kernel
 * thread has no user memory.  Returns whether CR3 was written.  Do not write it if that changes
 * nothing: a write flushes the TLB.  cpu->pmap is the root that is loaded, cpu->pmap_lazy says that
 * it is only still loaded (`next` was NULL).  `active` of a root has a bit for each CPU that may
 * have entries of it in its TLB: set the bit of the new root before loading it
 * (write_cr3(next->root)), and clear that of the old one afterwards (cpumask_set(),
 * cpumask_clear()).  Interrupts are off. */
bool pmap_switch(struct pmap *next)
{
	return false;
}

/* Load all machine state of `next` except its general registers and its stack: the page-table root
 * (pmap_switch(), which says if it has changed), the FPU, FS
 * base (wrmsr(); of a kernel thread it is 0), and for the next entry to the kernel its stack:
 * cpu->kernel_sp and tss_set_kernel_stack(), the end of kernel_stack.  The FPU registers are the
 * task of fpu_switch(), which has to know both threads (`arch`), and whether the registers may hold
 * the state of another address space.  cpu->current is the running thread. */
static void switch_machine_state(struct runqueue *rq, struct thread *prev, struct thread *next,
				 bool preempted)
{
	struct cpu *cpu = this_cpu();
	bool root_changed = false;

	/* What is counted, and what only debuggers and 32-bit code need, is here already. */
	rq->stats.switches++;
	rq->stats.switches_root += root_changed;
	trace_switch(prev, next, next->use.run_since_ns, root_changed, preempted);
	if (unlikely(segments_loaded() | prev->arch.segments.all | next->arch.segments.all |
		     prev->arch.gs_base | next->arch.gs_base |
		     ((READ_ONCE(prev->pending_work) | READ_ONCE(next->pending_work)) &
		      WORK_DEBUG_REGS)))
		switch_rare_state(prev, next);
	if (READ_SELECTOR(ss) != SELECTOR_KERNEL_DATA)
		segments_load_stack();
	cpu->current = next;
}
