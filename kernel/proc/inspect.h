/* SPDX-License-Identifier: MIT
 *
 * For those that look into another process, such as /proc.
 */
#pragma once

struct address_space;
struct file_table;
struct process;

/* The address space and the descriptor table of `p`, with a reference that the caller releases;
 * NULL once its last thread has exited.  Any context. */
struct address_space *process_space_get(struct process *p);
struct file_table *process_files_get(struct process *p);
