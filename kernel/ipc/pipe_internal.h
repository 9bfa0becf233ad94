/* SPDX-License-Identifier: MIT
 *
 * The structure of a pipe, for the files that serve pipes.
 */
#pragma once

#include "kernel/fs/vfs.h"
#include "kernel/ipc/pipe.h"

struct pipe {
	struct mutex lock;   /* guards the bytes and pages; head, tail, count with `guard` */
	struct page **pages; /* allocated at the first write, kept as long as the pipe */
	u32 files;	     /* open files of the pipe; guarded by inode->lock */

	struct spinlock guard;
	u32 count;	      /* pages, a power of two */
	u64 head, tail;	      /* bytes [tail, head) are there; both 0 when there are none */
	u32 readers, writers; /* open ends */
	u32 reader_opens, writer_opens; /* how often an end was opened */
	struct wait_queue readable, writable, opened;
};

extern const struct file_ops pipe_ops;

struct pipe *pipe_new(void); /* empty, with no end open; NULL: no memory */
void pipe_pages_free(struct page **pages, u32 count);

/* Count an open (by = 1) or closed (-1) end, or both for O_RDWR, and wake all sleepers of the pipe.
 * `flags` are those of the file. */
void pipe_count_end(struct pipe *p, u32 flags, int by);

/* Drop one of `files`, which the inode's pipe counts; the last one frees the pipe.  Sleeps. */
void pipe_drop(struct inode *inode, struct pipe *p);
void pipe_release(struct file *file); /* closes the file's end */
