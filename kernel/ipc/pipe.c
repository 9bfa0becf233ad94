/* SPDX-License-Identifier: MIT
 *
 * Pipes: a ring of pages.  The mutex `lock` is held while bytes are copied, which may sleep in a
 * page fault, and while head, tail and the counts of ends change.  A thread that must wait joins
 * the wait queue before it releases `lock` (mutex_wait()), so no wake-up is lost between its test
 * and its sleep.
 */
#include "kernel/ipc/pipe.h"

#include "kernel/fs/internal.h"
#include "kernel/ipc/pipe_internal.h"
#include "kernel/lib/abi.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/mem/page.h"
#include "kernel/mem/slab.h"
#include "kernel/task/signal.h"

static struct lock_class pipe_lock_class = {"pipe", 0};

struct pipe *pipe_new(void)
{
	struct pipe *p = kzalloc(sizeof(*p));

	if (!p)
		return NULL;
	p->count = PIPE_SIZE_DEFAULT / PAGE_SIZE;
	p->pages = kzalloc(p->count * sizeof(*p->pages));
	if (!p->pages) {
		kfree(p);
		return NULL;
	}
	mutex_init(&p->lock, &pipe_lock_class);
	wait_queue_init(&p->readable, "pipe_read");
	wait_queue_init(&p->writable, "pipe_write");
	wait_queue_init(&p->opened, "fifo_open");
	return p;
}

void pipe_pages_free(struct page **pages, u32 count)
{
	for (u32 i = 0; i < count; i++)
		if (pages[i])
			page_put(pages[i]);
	kfree(pages);
}

static void pipe_free(struct pipe *p)
{
	pipe_pages_free(p->pages, p->count);
	kfree(p);
}

/* For poll() and for writers that sleep, which need room for at most PIPE_BUF bytes: a page. */
static bool pipe_full(const struct pipe *p)
{
	return pipe_room(p) < PAGE_SIZE;
}

/* Sleep on `q` until a waker has changed something.  The caller holds `lock` and tests again.  0 or
 * -ERESTARTSYS. */
static int pipe_sleep(struct pipe *p, struct wait_queue *q)
{
	return mutex_wait(&p->lock, q, WAIT_FOREVER) ? -ERESTARTSYS : 0;
}

__always_inline ssize_t pipe_move(struct pipe *p, struct io_buffer *io, u64 position, size_t n,
				  bool write)
{
	size_t done = 0;
	ssize_t got = 0;

	while (done < n) {
		u64 offset = (position + done) & ~PAGE_MASK;
		size_t piece = MIN(n - done, PAGE_SIZE - offset);
		struct page **page = &p->pages[(position + done) / PAGE_SIZE & (p->count - 1)];
		char *at;

		if (!*page)
			*page = page_alloc(0, PAGE_PIPE);
		if (!*page) {
			got = -ENOMEM;
			break;
		}
		at = (char *)page_to_virt(*page) + offset;
		got = write ? io_get(io, at, piece) : io_put(io, at, piece);
		if (got > 0)
			done += (size_t)got;
		if (got < (ssize_t)piece)
			break;
	}
	return done ? (ssize_t)done : got;
}

__always_inline bool pipe_take(struct pipe *p, u64 n)
{
	bool full = pipe_full(p);

	/* Begin at the first page again: it is in the cache, and the whole ring is free then. Until
	 * tail is 0, poll() sees bytes in the pipe, as before. */
	if (p->tail + n == p->head) {
		WRITE_ONCE(p->head, 0);
		n = -p->tail;
	}
	WRITE_ONCE(p->tail, p->tail + n);
	return full && !pipe_full(p);
}

static ssize_t pipe_read(struct file *file, struct io_buffer *io, u64 *position)
{
	struct pipe *p = file->private;
	ssize_t result = 0;
	bool wake = false;

	if (!io->remaining)
		return 0;
	mutex_lock(&p->lock);
	while ((p->claimed[0] || (pipe_empty(p) && p->writers)) && !result) {
		if (!p->claimed[0] && READ_ONCE(file->flags) & O_NONBLOCK)
			result = -EAGAIN;
		else
			result = pipe_sleep(p, &p->readable);
	}
	if (!result) {
		result = pipe_move(p, io, p->tail, MIN(p->head - p->tail, io->remaining), false);
		wake = result > 0 && pipe_take(p, (u64)result);
	}
	mutex_unlock(&p->lock);
	if (!pipe_empty(p) && !list_empty(&p->readable.waiters))
		wait_wake_sleeper(&p->readable);
	if (wake)
		wait_wake_one(&p->writable);
	return result;
}

void pipe_add(struct pipe *p, u64 n)
{
	WRITE_ONCE(p->head, p->head + n);
}

/* write(2).  Up to PIPE_BUF bytes are written in one piece, or not yet; more bytes in pieces.  If
 * there is no reader: SIGPIPE, and -EPIPE or the number written before (POSIX write()). */
static ssize_t pipe_write(struct file *file, struct io_buffer *io, u64 *position)
{
	struct pipe *p = file->private;
	size_t need = io->remaining <= PIPE_BUF ? io->remaining : 1;
	ssize_t done = 0, result = 0;

	mutex_lock(&p->lock);
	while (io->remaining && !result) {
		if (!p->readers) {
			signal_send_self(SIGPIPE);
			result = -EPIPE;
		} else if (!p->claimed[1] && pipe_room(p) >= need) {
			size_t n = MIN(pipe_room(p), io->remaining);
			ssize_t got = pipe_move(p, io, p->head, n, true);

			if (got > 0) {
				pipe_add(p, (u64)got);
				done += got;
			}
			if (got < (ssize_t)n) /* the address is bad, or memory is full */
				result = got < 0 ? got : -EFAULT;
		} else if (!p->claimed[1] && READ_ONCE(file->flags) & O_NONBLOCK) {
			result = -EAGAIN;
		} else {
			wait_wake_one(&p->readable);
			result = pipe_sleep(p, &p->writable);
		}
	}
	mutex_unlock(&p->lock);
	if (!pipe_full(p) && !list_empty(&p->writable.waiters))
		wait_wake_sleeper(&p->writable);
	if (done && !list_empty(&p->readable.waiters))
		wait_wake_one(&p->readable);
	return done ? done : result;
}

static u32 pipe_poll(struct file *file, struct poll_table *table)
{
	struct pipe *p = file->private;
	u32 mode = file->flags & O_ACCMODE, bits = 0;

	if (mode != O_WRONLY)
		poll_wait(table, &p->readable);
	if (mode != O_RDONLY)
		poll_wait(table, &p->writable);
	/* We are in the queues now, and look without the lock.  Full barrier: a thread that changes
	 * the pipe sees us in the queue (mutex_unlock() is its barrier), or we see the change. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (mode != O_WRONLY) {
		if (!pipe_empty(p))
			bits |= POLLIN | POLLRDNORM;
		/* fifo_open() sets `position` if it did not wait for a writer: no POLLHUP until a
		 * writer has opened the FIFO, which counts in `writers` first. */
		if (file->position != READ_ONCE(p->writer_opens) && !READ_ONCE(p->writers))
			bits |= POLLHUP;
	}
	if (mode != O_RDONLY) {
		if (!pipe_full(p))
			bits |= POLLOUT | POLLWRNORM;
		if (!READ_ONCE(p->readers))
			bits |= POLLERR;
	}
	return bits;
}

static long pipe_ioctl(struct file *file, u32 request, u64 argument)
{
	struct pipe *p = file->private;
	u32 bytes;

	if (request != FIONREAD)
		return -ENOTTY;
	mutex_lock(&p->lock);
	bytes = (u32)(p->head - p->tail);
	mutex_unlock(&p->lock);
	return put_user_u32((u32 *)argument, bytes);
}

void pipe_count_end(struct pipe *p, u32 flags, int by)
{
	u32 mode = flags & O_ACCMODE, end = by > 0;
	bool changes = false; /* the first one of a kind is there, or the last one is not */

	mutex_lock(&p->lock);
	if (mode != O_WRONLY) {
		WRITE_ONCE(p->readers, p->readers + by);
		WRITE_ONCE(p->reader_opens, p->reader_opens + end);
		changes = p->readers == end;
	}
	if (mode != O_RDONLY) {
		WRITE_ONCE(p->writers, p->writers + by);
		WRITE_ONCE(p->writer_opens, p->writer_opens + end);
		changes |= p->writers == end;
	}
	mutex_unlock(&p->lock);
	if (!changes)
		return;
	wait_wake_all(&p->readable);
	wait_wake_all(&p->writable);
	wait_wake_all(&p->opened);
}

void pipe_drop(struct inode *inode, struct pipe *p)
{
	bool last;

	mutex_lock(&inode->lock);
	last = --p->files == 0;
	if (last)
		inode->pipe = NULL;
	mutex_unlock(&inode->lock);
	if (last)
		pipe_free(p);
}

void pipe_release(struct file *file)
{
	pipe_count_end(file->private, file->flags, -1);
	pipe_drop(file->inode, file->private);
}

const struct file_ops pipe_ops = {
    .release = pipe_release,
    .read = pipe_read,
    .write = pipe_write,
    .ioctl = pipe_ioctl,
    .poll = pipe_poll,
};

int pipe_create(u32 flags, struct file **reader, struct file **writer)
{
	struct pipe *p = pipe_new();

	if (!p)
		return -ENOMEM;
	/* Both ends are counted here already, so that pipe_release() of the reader does not free
	 * the pipe if the writer cannot be made. */
	p->files = 2;
	p->readers = p->writers = p->reader_opens = p->writer_opens = 1;
	*reader = file_create_anonymous(&pipe_ops, O_RDONLY | flags, p, S_IFIFO | 0600);
	if (IS_ERR(*reader)) {
		pipe_free(p);
		return PTR_ERR(*reader);
	}
	/* Both ends share one inode, for fstat() and /proc/PID/fd; its lock guards `files`. */
	(*reader)->inode->pipe = p;
	*writer = file_create((*reader)->inode, &pipe_ops, O_WRONLY | flags);
	if (IS_ERR(*writer)) {
		p->files = 1;
		file_put(*reader);
		return PTR_ERR(*writer);
	}
	(*writer)->private = p;
	return 0;
}
