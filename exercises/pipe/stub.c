/* SPDX-License-Identifier: MIT
 *
 * Exercise `pipe`: these functions stand in place of those of kernel/ipc/pipe.c.  As they are, a
 * pipe can be made and closed, but reading and writing fail with -ENOSYS.
 */

/* Copy `n` bytes between the ring at `position` and `io`: into the ring with io_get() if `write`,
 * else out of it with io_put().  The ring is p->count pages, a power of two; the byte at `position`
 * lies in the page number position / PAGE_SIZE modulo p->count, at the offset position modulo
 * PAGE_SIZE.  A page of the ring that is not there yet (NULL) is allocated: page_alloc(0,
 * PAGE_PIPE). One call of io_get() or io_put() must not pass the end of a page.  Each returns the
 * number of bytes that it copied, fewer than asked if the address is bad, or an error.
 *
 * Returns the number of bytes copied; if it is 0, the error (-ENOMEM if there is no page).  The
 * caller holds p->lock and has made sure that the bytes are there, or that they fit.  May sleep. */
ssize_t pipe_move(struct pipe *p, struct io_buffer *io, u64 position, size_t n, bool write)
{
	return -ENOSYS;
}

/* Count `n` bytes as read: p->tail moves on, by WRITE_ONCE(), since poll() reads it without
 * p->lock. If the pipe is empty then, head and tail both become 0 (the first page is in the cache).
 * Returns true if the pipe was full before (pipe_full()) and is not full now: then writers may
 * sleep, and the caller wakes them.  The caller holds p->lock. */
bool pipe_take(struct pipe *p, u64 n)
{
	return false;
}

/* read(2).  If nothing is asked for (io->remaining is 0), the answer is 0.  If the pipe is empty
 * and p->writers is not 0: -EAGAIN with O_NONBLOCK in file->flags, else sleep on
 * p->readable by pipe_sleep(), look again, and return its error if there is
 * one.  While p->claimed[0] is set, a splice() alone may read: sleep in the same way, with O_NONBLOCK
 * too.  An empty pipe without writers is at its end: 0.  Else copy what is there, at most
 * io->remaining bytes, and do not wait for more.  p->lock is held from the first look to the last
 * change; pipe_sleep() releases it during the sleep.  After the lock: if the
 * pipe was full, wake a writer by wait_wake_one(&p->writable), and if bytes are left, the next
 * reader that sleeps, by wait_wake_sleeper().  One is enough, since each wakes the next one. */
static ssize_t pipe_read(struct file *file, struct io_buffer *io, u64 *position)
{
	return -ENOSYS;
}

/* Count `n` bytes as written: p->head moves on, as p->tail in pipe_take().  The caller holds
 * p->lock. */
void pipe_add(struct pipe *p, u64 n)
{
}

/* write(2).  Up to PIPE_BUF bytes are written in one piece: if pipe_room() is smaller, the call
 * waits, or returns -EAGAIN with O_NONBLOCK.  More bytes are written in pieces, as there is room,
 * until all are written.  To wait: pipe_sleep() on p->writable; wake a
 * reader first, or both sides sleep for ever.  While p->claimed[1] is set, a splice() alone may write:
 * there is no room for others, and they wait with O_NONBLOCK too.  In the end, after the lock: if anything was written,
 * wake a reader by wait_wake_one(), and if the pipe is not full, the next writer that sleeps.
 *
 * If p->readers is 0, the thread gets SIGPIPE (signal_send_self()), and the error is
 * -EPIPE. If pipe_move() copies less than it should, the error is its own, or -EFAULT.  Returns the
 * number of bytes written, also if an error came afterwards; the error if it is 0.  p->lock is held
 * as in pipe_read(). */
static ssize_t pipe_write(struct file *file, struct io_buffer *io, u64 *position)
{
	(void)pipe_sleep;
	return -ENOSYS;
}
