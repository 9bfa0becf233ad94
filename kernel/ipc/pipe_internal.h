/* SPDX-License-Identifier: MIT
 *
 * The structure of a pipe, for the files that serve pipes.
 */
#pragma once

#include "kernel/fs/vfs.h"
#include "kernel/ipc/pipe.h"

struct pipe {
	struct mutex lock;   /* guards the bytes and all below, which poll() reads without it */
	struct page **pages; /* allocated at the first write, kept as long as the pipe */
	u32 files;	     /* open files of the pipe; guarded by inode->lock */

	u32 count;	      /* pages, a power of two */
	u64 head, tail;	      /* bytes [tail, head) are in the ring; both 0 if it is empty */
	u32 readers, writers; /* open ends */
	u32 reader_opens, writer_opens; /* how often each end has been opened */
	bool claimed[2]; /* one splice() alone may read (0), or write (1): all others wait */
	struct wait_queue readable, writable, opened;
};

extern const struct file_ops pipe_ops;

struct pipe *pipe_new(void); /* make an empty pipe with no open end; NULL: memory is full */
void pipe_pages_free(struct page **pages, u32 count);

/* Count an open (by = 1) or closed (-1) end, or both for O_RDWR.  The first end of a kind and the
 * last one wake all sleepers of the pipe.  `flags` are those of the file. */
void pipe_count_end(struct pipe *p, u32 flags, int by);

/* Subtract one from `files` of the pipe of `inode`; at 0 the pipe is freed.  Sleeps. */
void pipe_drop(struct inode *inode, struct pipe *p);
void pipe_release(struct file *file); /* close the end that `file` is, and drop the pipe */

/* Also without the lock, for poll(): tail is read first.  So, if the two are equal, the pipe was
 * empty when head was read. */
static inline bool pipe_empty(const struct pipe *p)
{
	u64 tail = READ_ONCE(p->tail);

	return READ_ONCE(p->head) == tail;
}

/* The number of bytes that can be written.  The page at `tail` is still in use as a whole, although
 * its first bytes have been read, so the room ends where that page begins again in the ring:
 *
 *	 page:  |....rrrr|rrrrrrrr|rrr.....|........|     r: to be read, from tail to head
 *	             ^tail            ^head         ^ the room ends here: 4 pages after the
 *	                                              beginning of tail's page
 *
 * Also without the lock, for poll(): head is read first.  So, if there is no room, there was none
 * when tail was read. */
static inline u64 pipe_room(const struct pipe *p)
{
	u64 head = READ_ONCE(p->head);

	return (READ_ONCE(p->tail) & PAGE_MASK) + READ_ONCE(p->count) * PAGE_SIZE - head;
}

/* Copy `n` bytes between the ring at `position` and `io`.  For a read the caller has made sure that
 * so many bytes are there, for a write that they fit.  Returns the number copied, or an error if
 * none was.  The caller holds `lock`.  May sleep. */
ssize_t pipe_move(struct pipe *p, struct io_buffer *io, u64 position, size_t n, bool write);

/* Count `n` bytes as read.  True: the pipe was full and has room now, so the caller must wake
 * a writer, best after it has released `lock`.  One is enough: a thread that leaves bytes, or room,
 * wakes the next one that sleeps. */
bool pipe_take(struct pipe *p, u64 n);

/* Count `n` bytes as written.  The caller wakes a reader: poll() and epoll (EPOLLET) are to hear of
 * each write. */
void pipe_add(struct pipe *p, u64 n);
