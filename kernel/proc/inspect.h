/* SPDX-License-Identifier: MIT
 *
 * For those that look into another process, such as /proc.
 */
#pragma once

struct address_space;
struct file_table;
struct process;
struct resource_use;

/* The address space and the descriptor table of `p`, with a reference that the caller releases;
 * NULL once its last thread has exited.  Any context. */
struct address_space *process_space_get(struct process *p);
struct file_table *process_files_get(struct process *p);

/* What the threads of `p` have used, without its children, with the peak of its memory. */
void process_resource_use(struct process *p, struct resource_use *use);

/* The same for a caller that holds process_lock. */
void process_resource_use_locked(struct process *p, struct resource_use *use);
