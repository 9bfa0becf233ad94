/* SPDX-License-Identifier: MIT
 *
 * A write of more than there is room for returns after its first piece, although the descriptor
 * may block.
 */

/* write(2).  Up to PIPE_BUF bytes are written in one piece: if they do not fit, the call waits, or
 * returns -EAGAIN.  More bytes are written in pieces.  If there is no reader, the thread gets
 * SIGPIPE, and the call returns -EPIPE or the number of bytes written before (POSIX write()). */
static ssize_t pipe_write(struct file *file, struct io_buffer *io, u64 *position)
{
	struct pipe *p = file->private;
	size_t need = io->remaining <= PIPE_BUF ? io->remaining : 1;
	ssize_t done = 0, result = 0;
	bool wake = false;

	mutex_lock(&p->lock);
	while (io->remaining && !result) {
		if (!READ_ONCE(p->readers)) {
			signal_send_self(SIGPIPE);
			result = -EPIPE;
		} else if (pipe_room(p) >= need) {
			size_t n = MIN(pipe_room(p), io->remaining);
			ssize_t got = pipe_move(p, io, p->head, n, true);

			if (got > 0) {
				wake |= pipe_add(p, (u64)got);
				done += got;
			}
			if (got < (ssize_t)n) /* the address is bad, or memory is full */
				result = got < 0 ? got : -EFAULT;
			break;
		} else if (READ_ONCE(file->flags) & O_NONBLOCK) {
			result = -EAGAIN;
		} else {
			if (wake)
				wait_wake_all(&p->readable);
			wake = false;
			result = pipe_sleep(p, &p->writable, write_may_go_on);
		}
	}
	mutex_unlock(&p->lock);
	if (wake)
		wait_wake_all(&p->readable);
	return done ? done : result;
}
