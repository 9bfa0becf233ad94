/* SPDX-License-Identifier: MIT
 *
 * Descriptor tables, shared by the threads of a process (CLONE_FILES).
 */
#pragma once

#include "kernel/fs/vfs.h"
#include "kernel/task/process.h"

#define FDS_EACH 64 /* descriptors of a chunk */

struct fd_chunk {
	struct file **file; /* FDS_EACH of them; NULL: free */
	u64 open,
	    close_on_exec; /* a bit for each; no bit of the second without that of the first */
};

struct file_table {
	struct refcount refs;
	struct spinlock lock;	 /* guards what follows */
	u32 size;		 /* descriptors of all chunks; it only grows */
	u32 first_free;		 /* no descriptor before it is free */
	struct fd_chunk *chunks; /* there is room for a power of two of them */
};

/* Make an empty table, or for fork() a copy with a reference to each file, no larger than its
 * highest open descriptor needs.  The copy is of one moment if no more than 1,024 descriptors are
 * open; beyond, while other threads open and close files, each 1,024 are.  ERR_PTR(-ENOMEM).
 * Sleeps. */
struct file_table *file_table_create(void);
struct file_table *file_table_copy(struct file_table *t);

/* Drop a reference: the last drop closes all files and frees the table (sleeps). */
void file_table_put(struct file_table *t);

/* Install `f` at the lowest free descriptor >= from, and return the descriptor.  Takes over the
 * reference of the caller, also after an error: -EMFILE, -ENOMEM.  If `f` is NULL, only look for that
 * descriptor; another thread may take it at any time.  Sleeps. */
int fd_install(struct file *f, u32 from, bool close_on_exec);

/* Install `f` at `fd`, and close the file that was there (dup2).  Returns `fd`, -EBADF or -ENOMEM;
 * takes over the reference of the caller, also after an error.  Sleeps. */
int fd_install_at(struct file *f, u32 fd, bool close_on_exec);

/* Returns the open file of a descriptor of `t`, with a reference.  NULL if it is not open, or if it
 * has one of the flags `refused`: only few calls accept a file that open() with O_PATH has made. */
struct file *fd_get_from(struct file_table *t, u32 fd, u32 refused);

/* The same without a reference: the caller has made sure that the descriptor stays open, or holds
 * t->lock. */
static inline struct file *slot_file(struct file_table *t, u32 fd, u32 refused)
{
	struct file *f = fd < t->size ? t->chunks[fd / FDS_EACH].file[fd % FDS_EACH] : NULL;

	return f && f->flags & refused ? NULL : f;
}

/* A file with a reference, of a descriptor of the calling process. */
static inline struct file *fd_get(u32 fd, u32 refused)
{
	return fd_get_from(current_process()->files, fd, refused);
}

/* The file of an open descriptor of the calling process, for the time of one system call. */
struct fd_use {
	struct file *file; /* NULL as for fd_get() */
	bool counted;	   /* with a reference */
};

/* Begin and end such a use.  It needs a reference only if other threads or processes share the
 * table: else the descriptor stays open until the calling thread itself closes it or makes a
 * thread, which it may not do before the end. */
static inline struct fd_use fd_use(u32 fd, u32 refused)
{
	struct process *p = current_process();

	if (READ_ONCE(p->thread_count) > 1 || refcount_read(&p->files->refs) > 1)
		return (struct fd_use){fd_get_from(p->files, fd, refused), true};
	return (struct fd_use){slot_file(p->files, fd, refused), false};
}

static inline void fd_use_end(struct fd_use use)
{
	if (use.counted && use.file)
		file_put(use.file);
}

/* Close `fd`.  Returns 0 or -EBADF.  Sleeps. */
int fd_close(u32 fd);

/* The lowest descriptor >= fd that is open, or with `inverted` ~0 that is free; t->size or more if
 * there is none.  The caller holds t->lock. */
u32 fd_scan(const struct file_table *t, u32 fd, u64 inverted);

/* Returns the close-on-exec flag of `fd`, or sets it and returns 0 if `close_on_exec` is not NULL.
 * -EBADF if `fd` is not open. */
int fd_flags(u32 fd, const bool *close_on_exec);

/* Close all files that are marked close-on-exec.  Sleeps. */
void file_table_close_on_exec(struct file_table *t);
