/* SPDX-License-Identifier: MIT
 *
 * The parts of another process, for /proc and for the counters.
 */
#pragma once

#include "kernel/lib/base.h"

struct address_space;
struct file_table;
struct inode;
struct process;
struct thread;

/* The address space or the descriptor table of `p`, with a reference that the caller drops; NULL if
 * the last thread of `p` has exited.  Any context. */
struct address_space *process_space_get(struct process *p);
struct file_table *process_files_get(struct process *p);

/* The working directory of `p`, with a reference, or NULL.  Sleeps. */
struct inode *process_directory_get(struct process *p);

/* The state as a letter: R, S, D, T or X (proc(5)). */
char thread_state_letter(const struct thread *t);

/* Set *fd to the lowest descriptor >= *fd that is open in `t`.  False: there is none. */
bool fd_next(struct file_table *t, u32 *fd);

/* Call visit(t, data) for each thread of `p`, with process_lock held, which is released for a moment at
 * times.  A thread may be visited twice.  The caller holds a reference, or `p` is its own. */
void process_threads_visit(struct process *p, void (*visit)(struct thread *t, void *data), void *data);

/* Is a descriptor of the calling process free?  0, -EMFILE or -ENOMEM; another thread may take it at
 * any time.  Sleeps. */
int fd_available(void);
