/* SPDX-License-Identifier: MIT
 *
 * What an inode of /proc stands for; for the two files that make up the file system.
 */
#pragma once

#include "kernel/fs/procfs.h"

/* A file, link or directory of the machine. */
struct proc_node {
	const char *name;
	size_t length;
	u32 mode, index; /* index: among its siblings, from 1; their position in readdir() */
	u64 ino;
	struct list children, link;   /* under nodes_lock */
	void (*make)(struct text *t); /* text, or the target of a link */
	int (*write)(const char *text, size_t length);
	const char *target;
};

enum proc_kind { NODE, PID_DIR, TASK_DIR, TID_DIR, PID_FILE, FD_LINK };

/* inode->private. */
struct proc_entry {
	enum proc_kind kind;
	struct proc_node *node; /* NODE */
	pid_t pid;
	tid_t tid;			    /* of a process's own files: its PID */
	const struct procfs_pid_file *file; /* PID_FILE */
	u32 fd;				    /* FD_LINK */
	bool in_thread;			    /* below task/ */
};

/* Fill `t` with a file's text or a link's target: 0 or an error; t->data is then the caller's. */
int proc_entry_make(const struct proc_entry *e, struct text *t);
int proc_entry_write(const struct proc_entry *e, const char *text, size_t length);

extern const struct file_ops proc_text_ops; /* proc_text.c */
