/* SPDX-License-Identifier: MIT
 *
 * Descriptors that name a process: pidfd_open(2).
 */
#pragma once

#define CLONE_DETACHED 0x00400000

struct file;
struct process;
struct thread;

/* The process that the file names, or NULL if it is no pidfd.  The file keeps the reference. */
struct process *pidfd_process(const struct file *f);

/* The leader of the process, with a reference; NULL if wait() has reaped the process. */
struct thread *pidfd_leader(struct process *p);
