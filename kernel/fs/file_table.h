/* SPDX-License-Identifier: MIT
 *
 * Descriptor tables, shared by the threads of a process (CLONE_FILES).
 */
#pragma once

#include "kernel/fs/vfs.h"
#include "kernel/task/process.h"

struct fd_slot {
	struct file *file; /* NULL: free */
	bool close_on_exec;
};

struct file_table {
	struct refcount refs;
	struct spinlock lock;	/* guards all below */
	u32 size;		/* grows */
	struct fd_slot *slots;
};

struct file_table *file_table_create(void); /* ERR_PTR(-ENOMEM) */
void file_table_get(struct file_table *t);
void file_table_put(struct file_table *t); /* the last closes all; sleeps */
struct file_table *file_table_copy(struct file_table *t); /* fork: ERR_PTR */

/* The lowest free descriptor >= from.  Takes over the caller's reference to `f`, after an error too:
 * -EMFILE, -ENOMEM, (from too large) -EINVAL. */
int fd_install(struct file *f, u32 from, bool close_on_exec);

/* The same for exactly `fd`, closing the file that was there (dup2): -EBADF, -ENOMEM. */
int fd_install_at(struct file *f, u32 fd, bool close_on_exec);

/* The open file of a descriptor of `t`, with a reference; NULL: it is not open. */
struct file *fd_get_from(struct file_table *t, u32 fd);

/* The same in the calling process. */
static inline struct file *fd_get(u32 fd)
{
	return fd_get_from(current_process()->files, fd);
}

int fd_close(u32 fd); /* -EBADF.  Sleeps. */
int fd_flags(u32 fd);		      /* 1: close on exec; -EBADF */
int fd_set_flags(u32 fd, bool close_on_exec);
void file_table_close_on_exec(struct file_table *t);
