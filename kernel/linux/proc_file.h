/* SPDX-License-Identifier: MIT
 *
 * How an extension adds files to /proc.  The files are entries of two linker sets.  /proc itself is
 * an extension (kernel/linux/proc); without it the sets are not used.
 */
#pragma once

#include "kernel/lib/linker_set.h"
#include "kernel/linux/text.h"

struct address_space;
struct file;
struct file_ops;
struct process;
struct thread;

/* A file at `path` below /proc ("meminfo", "sys/kernel/ostype"); its directories are created.  Its
 * text is `constant`, or what `make` adds to `t` when the file is read from offset 0.  `write` (may
 * be NULL) gets the text that was written, with a NUL; it returns 0 or an error.  The functions may
 * sleep. */
struct proc_file {
	const char *path;
	void (*make)(struct text *t);
	int (*write)(const char *text, size_t length);
	const char *constant;
};
LINKER_SET(proc_files, struct proc_file);

/* PROC_FILES(files) = {{"loadavg", .make = make_loadavg}, ...}; */
#define PROC_FILES(variable)                                                                       \
	static const struct proc_file LINKER_SET_ENTRY(proc_files, struct proc_file) variable[]

/* A file in every /proc/PID and, with `per_thread`, in every /proc/PID/task/TID.  A show function,
 * `make` or `follow` provides its content. */
struct proc_pid_file {
	const char *name;
	u32 mode; /* S_IFREG | 0444, S_IFLNK | 0777, S_IFDIR ("fd") */
	bool per_thread;
	bool inspects; /* only for callers that may_inspect() the process: its memory */
	bool heddle; /* in /proc/heddle/PID instead: a file that Linux does not have */
	/* Add the text about a thread, its process or its address space, to which the caller has
	 * references.  `show` gets the leader; for task/TID, show_thread() is called instead, or
	 * show() with that thread if show_thread is NULL.  A process without an address space has
	 * an empty file. */
	void (*show)(struct thread *t, struct process *p, struct text *text);
	void (*show_thread)(struct thread *t, struct process *p, struct text *text);
	void (*show_space)(struct address_space *as, struct text *text);
	/* Add another text, or the target of a link.  0, or -ESRCH if the process has ended.  `tid`
	 * is 0 for a file of the process. */
	int (*make)(pid_t pid, tid_t tid, struct text *t);
	int (*write)(pid_t pid, tid_t tid, const char *text, size_t length);
	/* The open file that a link leads to, with a reference; ERR_PTR. */
	struct file *(*follow)(pid_t pid, tid_t tid);
	const struct file_ops *ops; /* NULL for a text file */
};
LINKER_SET(proc_pid_files, struct proc_pid_file);

/* PROC_PID_FILES(files) = {{.name = "comm", ...}, ...}; */
#define PROC_PID_FILES(variable)                                                                   \
	static const struct proc_pid_file LINKER_SET_ENTRY(proc_pid_files, struct proc_pid_file)   \
	    variable[]
