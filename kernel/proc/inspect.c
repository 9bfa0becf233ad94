/* SPDX-License-Identifier: MIT
 *
 * Read-only access to another process.  `space` and `files` become NULL when the last thread of the
 * process exits, so they are read under process_lock.
 */
#include "kernel/proc/inspect.h"

#include "kernel/task/internal.h"
#include "kernel/vm/address_space.h"

void process_resource_use(struct process *p, struct resource_use *use)
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
	if (p->space)
		use->peak_resident_pages =
		    MAX(use->peak_resident_pages, address_space_peak(p->space));
	spin_unlock_irq(&process_lock, flags);
}
