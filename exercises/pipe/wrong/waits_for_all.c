/* SPDX-License-Identifier: MIT
 *
 * A read waits until it has as many bytes as were asked for: a terminal or a server would never
 * answer a short line.
 */

static ssize_t pipe_read(struct file *file, struct io_buffer *io, u64 *position)
{
	struct pipe *p = file->private;
	ssize_t result = 0;
	bool wake = false;

	if (!io->remaining)
		return 0;
	mutex_lock(&p->lock);
	while (p->head - p->tail < io->remaining && !pipe_full(p) && READ_ONCE(p->writers) &&
	       !result) {
		if (READ_ONCE(file->flags) & O_NONBLOCK)
			result = -EAGAIN;
		else
			result = pipe_sleep(p, &p->readable, pipe_full);
	}
	if (!result) {
		result = pipe_move(p, io, p->tail, MIN(p->head - p->tail, io->remaining), false);
		if (result > 0)
			wake = pipe_take(p, (u64)result);
	}
	mutex_unlock(&p->lock);
	if (wake)
		wait_wake_all(&p->writable);
	return result;
}
