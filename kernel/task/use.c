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
	/* Most threads of a large process have not run since their time was divided the last time. */
	if (READ_ONCE(t->on_cpu) || use->user_ns + use->kernel_ns != READ_ONCE(t->use.run_ns))
		thread_times(t, &use->user_ns, &use->kernel_ns);
}
