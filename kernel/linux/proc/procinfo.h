/* SPDX-License-Identifier: MIT
 *
 * The functions by which procfs.c asks about processes.
 */
#pragma once

#include "kernel/fs/vfs.h"
#include "kernel/linux/proc_file.h"
#include "kernel/task/process.h"

#define FILE_MODE (S_IFREG | 0444)

/* Add the text of a file of /proc/PID to *text; if `tid` is not 0, of /proc/PID/task/TID.  0 or an
 * error.  Sleeps. */
int procinfo_make(const struct proc_pid_file *file, pid_t pid, tid_t tid, struct text *text);

pid_t procinfo_next_pid(pid_t from);	      /* the lowest PID in use >= from, or -1 */
bool procinfo_exists(tid_t tid);	      /* is it the TID of a thread? */
bool procinfo_same_process(tid_t a, tid_t b); /* are they TIDs of threads of one process? */

/* The TID that comes after `after` in the list of a process's threads, or -1; the first one after
 * 0. If `after` has ended: the lowest TID above it. */
tid_t procinfo_next_tid(pid_t pid, tid_t after);
int procinfo_next_fd(struct file_table *t, u32 fd); /* the first open descriptor >= fd, or -1 */
struct file_table *procinfo_files(pid_t pid);	    /* with a reference, or NULL */

/* The number of a mount in /proc/PID/mountinfo. */
u32 mount_number(const struct superblock *sb);

/* Add a file below /sys.  A constant text must stay valid.  To be called at boot only. */
void sysfs_add(const struct proc_file *f);

/* The PID of the directory /proc/PID in which `file` was opened. */
pid_t procfs_file_pid(const struct file *file);
