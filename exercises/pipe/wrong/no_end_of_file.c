/* SPDX-License-Identifier: MIT
 *
 * A read of an empty pipe waits although no writer is left: the end of the file never comes.
 */

static ssize_t pipe_read(struct file *file, struct io_buffer *io, u64 *position)
{
	struct pipe *p = file->private;
	ssize_t result = 0;
	bool wake = false;

	if (!io->remaining)
		return 0;
	mutex_lock(&p->lock);
	while (pipe_empty(p) && !result) {
		if (READ_ONCE(file->flags) & O_NONBLOCK)
			result = -EAGAIN;
		else
			result = pipe_sleep(p, &p->readable, read_may_go_on);
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
