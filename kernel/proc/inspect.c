/* SPDX-License-Identifier: MIT
 *
 * References to the parts of another process.  Both fields become NULL when the last thread of the
 * process exits, so they are read under process_lock.
 */
#include "kernel/proc/inspect.h"

#include "kernel/fs/file_table.h"
#include "kernel/task/process.h"
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
