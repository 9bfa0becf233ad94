/* SPDX-License-Identifier: MIT
 *
 * The parts of another process.  `space` and `files` become NULL when its last thread exits, so
 * they are read under process_lock.
 */
#include "kernel/linux/process_parts.h"

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
