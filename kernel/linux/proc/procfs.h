/* SPDX-License-Identifier: MIT
 *
 * /proc: files whose text is made when they are read from the beginning; directories of processes
 * through functions that kernel/proc gives.
 */
#pragma once

#include "kernel/fs/text.h"
#include "kernel/fs/vfs.h"

/* A file at `path` below /proc ("meminfo", "sys/kernel/ostype"); directories are made.  `make`
 * fills the text when it is read from the beginning; `write` (may be NULL) takes what was written,
 * terminated; its result is 0 or an error.  Both may sleep. */
void procfs_add(const char *path, void (*make)(struct text *t),
		int (*write)(const char *text, size_t length));

void procfs_add_constant(const char *path, const char *text); /* one that always says the same */

/* A file in every /proc/PID (and, where `per_thread`, in every /proc/PID/task/TID).  `make` gets
 * the process's and the thread's number (0: the process's own file); returns 0 or -ESRCH where it
 * has ended. */
struct procfs_pid_file {
	const char *name;
	u32 mode; /* S_IFREG | 0444, S_IFLNK | 0777, S_IFDIR ("fd") */
	bool per_thread;
	bool heddle; /* in /proc/heddle/PID instead: what Linux has not */
	int (*make)(pid_t pid, tid_t tid, struct text *t); /* files; links: the target as text */
	/* As of procfs_add(). */
	int (*write)(pid_t pid, tid_t tid, const char *text, size_t length);
	/* Instead: the open file that a link leads to, with a reference; ERR_PTR. */
	struct file *(*follow)(pid_t pid, tid_t tid);
	const struct file_ops *ops; /* of a file that is no text */
};
void procfs_add_pid_files(const struct procfs_pid_file *files, size_t count);
pid_t procfs_file_pid(const struct file *file); /* whose it is */

/* What /proc must know of processes; given by kernel/proc. */
struct procfs_process_hooks {
	pid_t (*next_pid)(pid_t from);		   /* lowest living PID >= from, or -1 */
	tid_t (*next_tid)(pid_t pid, tid_t from);  /* likewise in a process */
	pid_t (*current_pid)(void);
	tid_t (*current_tid)(void);
	struct file_table *(*files)(pid_t pid);	   /* with a reference, or NULL */
	u32 (*thread_count)(void);		   /* of all processes */
};
void procfs_set_process_hooks(const struct procfs_process_hooks *hooks);

/* The files of the machine: cpuinfo, meminfo, stat, uptime, loadavg, version, filesystems, sys/...,
 * heddle/... */
void procfs_add_system_files(void);

u32 procfs_thread_count(void); /* by the hook */
