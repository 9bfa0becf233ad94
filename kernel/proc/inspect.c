/* SPDX-License-Identifier: MIT
 *
 * Read-only access to another process.  `space` and `files` become NULL when the last thread of the
 * process exits, so they are read under process_lock.
 */
#include "kernel/proc/inspect.h"

#include "kernel/fs/file_table.h"
#include "kernel/task/internal.h"
#include "kernel/vm/address_space.h"

struct address_space *process_space_get(struct process *p)
{
	u64 flags = spin_lock_irq(&process_lock);
	struct address_space *as = p->space;

	if (as)
		address_space_get(as);
	spin_unlock_irq(&process_lock, flags);
	return as;
}

struct file_table *process_files_get(struct process *p)
{
	u64 flags = spin_lock_irq(&process_lock);
	struct file_table *files = p->files;

	if (files)
		file_table_get(files);
	spin_unlock_irq(&process_lock, flags);
	return files;
}

void process_resource_use_locked(struct process *p, struct resource_use *use)
{
	process_own_use(p, use);
	if (p->space)
		use->peak_resident_pages =
		    MAX(use->peak_resident_pages, READ_ONCE(p->space->peak_resident));
}

void process_resource_use(struct process *p, struct resource_use *use)
{
	u64 flags = spin_lock_irq(&process_lock);

	process_resource_use_locked(p, use);
	spin_unlock_irq(&process_lock, flags);
}
