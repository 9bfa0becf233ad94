/* SPDX-License-Identifier: MIT
 *
 * Between the files of /proc: what procfs.c asks about processes.
 */
#pragma once

#include "kernel/fs/vfs.h"
#include "kernel/linux/proc_file.h"
#include "kernel/task/process.h"

#define FILE_MODE (S_IFREG | 0444)

/* The text of a file of /proc/PID or, with `tid` not 0, of /proc/PID/task/TID: 0 or an error.
 * Sleeps. */
int procinfo_make(const struct proc_pid_file *file, pid_t pid, tid_t tid, struct text *text);

pid_t procinfo_next_pid(pid_t from);		/* the lowest living PID >= from, or -1 */
tid_t procinfo_next_tid(pid_t pid, tid_t from); /* the same among the threads of a process */
struct file_table *procinfo_files(pid_t pid);	/* with a reference, or NULL */

pid_t procfs_file_pid(const struct file *file); /* of the process to which an open file belongs */
