/* SPDX-License-Identifier: MIT
 *
 * Read-only access to another process, for example for /proc.
 */
#pragma once

struct address_space;
struct file_table;
struct process;
struct resource_use;

/* Return the address space or the descriptor table of `p`, with a reference that the caller drops.
 * NULL if its last thread has exited.  Any context. */
struct address_space *process_space_get(struct process *p);
struct file_table *process_files_get(struct process *p);

/* Fill *use with the resource use of the threads of `p`, living and ended, without its children;
 * and with the largest number of resident pages so far. */
void process_resource_use(struct process *p, struct resource_use *use);

/* The same for a caller that holds process_lock. */
void process_resource_use_locked(struct process *p, struct resource_use *use);
