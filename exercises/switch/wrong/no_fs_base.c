/* SPDX-License-Identifier: MIT
 *
 * The FS base is not loaded: a thread finds the thread-local storage of another.
 */

/* Load all machine state of `next` except its general registers and its stack. */
static void switch_machine_state(struct runqueue *rq, struct thread *prev, struct thread *next,
				 bool preempted)
{
	struct cpu *cpu = this_cpu();
	bool root_changed = pmap_switch(next->pmap);

	rq->stats.switches++;
	rq->stats.running = next->tid;
	rq->stats.switches_root += root_changed;
	trace_switch(prev, next, next->use.run_since_ns, root_changed, preempted);
	if (prev->arch.fpu && prev->state != THREAD_DEAD)
		fpu_save(prev->arch.fpu);
	if (next->arch.fpu && (cpu->fpu_owner != next || next->arch.fpu_cpu != cpu->id)) {
		fpu_restore(next->arch.fpu);
		cpu->fpu_owner = next;
		next->arch.fpu_cpu = cpu->id;
	}
	if (unlikely(segments_loaded() | prev->arch.segments.all | next->arch.segments.all))
		switch_segments(prev, next);
	if (ptrace_has_work(prev, WORK_DEBUG_REGS) || ptrace_has_work(next, WORK_DEBUG_REGS))
		ptrace_load_debug_registers(next);
	/* The bases of `prev` need no saving: a program can change them only by arch_prctl(), or by
	 * loading a selector (segments.c). */
	if (next->arch.gs_base || prev->arch.gs_base)
		wrmsr(MSR_KERNEL_GS_BASE, next->arch.gs_base);
	cpu->current = next;
	cpu->kernel_sp = (u64)next->kernel_stack + KSTACK_SIZE;
	tss_set_kernel_stack(cpu->kernel_sp);
}
