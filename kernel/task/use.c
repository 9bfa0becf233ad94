/* SPDX-License-Identifier: MIT
 *
 * What threads and processes have used: times, faults, switches, system calls.
 */
#include "kernel/task/use.h"

#include "kernel/task/internal.h"

void resource_use_add(struct resource_use *sum, const struct resource_use *use)
{
	sum->user_ns += use->user_ns;
	sum->kernel_ns += use->kernel_ns;
	sum->minor_faults += use->minor_faults;
	sum->voluntary_switches += use->voluntary_switches;
	sum->forced_switches += use->forced_switches;
	sum->migrations += use->migrations;
	sum->system_calls += use->system_calls;
	sum->peak_resident_pages = MAX(sum->peak_resident_pages, use->peak_resident_pages);
}

void thread_resource_use(struct thread *t, struct resource_use *use)
{
	*use = t->use.counted; /* the CPU that runs the thread may go on counting */
	thread_times(t, &use->user_ns, &use->kernel_ns);
}

void process_own_use(struct process *p, struct resource_use *use)
{
	u64 flags = spin_lock_irq(&process_lock);
	u32 n = 0, ended;
	struct thread *t;

again:
	ended = p->use.ended_count;
	*use = p->use.ended_threads;
	list_for_each (t, &p->threads, process_link) {
		struct resource_use one;

		if (t->exited)
			continue; /* counted in ended_threads */
		thread_resource_use(t, &one);
		resource_use_add(use, &one);
		/* No pauses if others keep ending, so that it would begin again and again. */
		process_lock_pause(flags & RFLAGS_IF && n < 65536 ? ++n : 1);
		if (p->use.ended_count != ended)
			goto again; /* else `t` is still in the list */
	}
	spin_unlock_irq(&process_lock, flags);
}
