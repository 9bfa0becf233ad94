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
	u64 flags;

	process_own_use(p, use);
	flags = spin_lock_irq(&process_lock);
	if (p->space)
		use->peak_resident_pages =
		    MAX(use->peak_resident_pages, address_space_peak(p->space));
	spin_unlock_irq(&process_lock, flags);
}
