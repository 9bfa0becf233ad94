/* SPDX-License-Identifier: MIT
 *
 * Moving bytes into and out of pipes: splice(), tee(), vmsplice().  The bytes are copied.
 *
 * No call sleeps for data or room while it holds the lock of a pipe, so that a signal can end it
 * and others can use the pipe.  A call that may sleep in the other file claims its end of the pipe
 * until that file has taken the bytes, or given them: other readers, or writers, wait for the end
 * of the claim, where Linux has them wait for the lock.  A signal ends their wait too.
 */
#include "kernel/ipc/pipe_internal.h"
#include "kernel/lib/errno.h"
#include "kernel/mem/slab.h"
#include "kernel/sys/calls.h"

#define SPLICE_F_NONBLOCK 2
#define SPLICE_FLAGS	  15

/* --- Waiting ---------------------------------------------------------------------------------- */

static bool has_data(const struct pipe *p)
{
	return !pipe_empty(p) || !READ_ONCE(p->writers);
}

static bool has_room(const struct pipe *p)
{
	return pipe_room(p) >= PAGE_SIZE || !READ_ONCE(p->readers);
}

/* Sleep until there is something to read, or room to write, and no other call has claimed this end.
 * If `claim`, it is the caller's then, until release().  0, -EAGAIN or -ERESTARTSYS. */
static int pipe_wait(struct pipe *p, bool write, bool may_wait, bool claim)
{
	struct wait_queue *q = write ? &p->writable : &p->readable;
	int error = 0;

	mutex_lock(&p->lock);
	while (!error && (p->claimed[write] || !(write ? has_room(p) : has_data(p))))
		error =
		    may_wait || p->claimed[write] ? mutex_wait(&p->lock, q, WAIT_FOREVER) : -EAGAIN;
	if (!error)
		p->claimed[write] = claim;
	mutex_unlock(&p->lock);
	return error == -EINTR ? -ERESTARTSYS : error;
}

/* End a claim.  The wake-ups of its time have found it and are lost, so all look again. */
static void release(struct pipe *p, bool write)
{
	mutex_lock(&p->lock);
	p->claimed[write] = false;
	mutex_unlock(&p->lock);
	wait_wake_all(write ? &p->writable : &p->readable);
}

/* At the end of each call that waited or moved bytes, also of one that failed: wake the next thread
 * that can go on. */
static void pass_on(struct pipe *p)
{
	if (has_data(p))
		wait_wake_sleeper(&p->readable);
	if (has_room(p))
		wait_wake_sleeper(&p->writable);
}

/* May a call with these flags wait for the pipe that `f` is an end of? */
static bool may_wait(const struct file *f, u32 flags)
{
	return !(flags & SPLICE_F_NONBLOCK) && !(READ_ONCE(f->flags) & O_NONBLOCK);
}

static ssize_t broken_pipe(void)
{
	signal_send_self(SIGPIPE);
	return -EPIPE;
}

/* --- Moving ----------------------------------------------------------------------------------- */

/* Write up to `n` bytes, as many as there is room for.  The caller has claimed the writing end. */
static ssize_t put(struct pipe *p, struct io_buffer *io, size_t n)
{
	ssize_t got;

	mutex_lock(&p->lock);
	got = pipe_move(p, io, p->head, MIN(pipe_room(p), n), true);
	if (got > 0)
		pipe_add(p, (u64)got);
	mutex_unlock(&p->lock);
	if (got > 0)
		wait_wake_one(&p->readable);
	return got;
}

/* Copy from one pipe to another, and remove the bytes from the first one if `consume`.  The caller
 * holds both locks. */
static ssize_t pass(struct pipe *from, struct pipe *to, size_t n, bool consume, char *buffer)
{
	u64 position = from->tail;
	ssize_t done = 0, got = 1;

	n = MIN(MIN(n, from->head - from->tail), pipe_room(to));
	while (n && got > 0) {
		size_t want = MIN(n, PAGE_SIZE);
		struct io_buffer io;

		io_init_kernel(&io, buffer, want);
		got = pipe_move(from, &io, position, want, false);
		io_init_kernel(&io, buffer, want);
		if (got > 0)
			got = pipe_move(to, &io, to->head, (size_t)got, true);
		if (got <= 0)
			break;
		pipe_add(to, (u64)got);
		position += (u64)got;
		n -= (size_t)got;
		done += got;
	}
	if (consume && done)
		pipe_take(from, (u64)done);
	return done ?: got;
}

/* --- The three directions --------------------------------------------------------------------- */

/* A file that can be polled may sleep, so it is read once: the call returns what it had. */
static ssize_t file_to_pipe(struct file *in, u64 *at, struct file *out, size_t n, u32 flags,
			    char *buffer)
{
	struct pipe *p = out->private;
	ssize_t got = pipe_wait(p, true, may_wait(out, flags), true), done = 0;

	if (got)
		return got;
	if (!READ_ONCE(p->readers))
		got = broken_pipe();
	while (!got && n && pipe_room(p) >= PAGE_SIZE) {
		size_t want = MIN(n, PAGE_SIZE);
		struct io_buffer io;

		io_init_kernel(&io, buffer, want);
		got = file_transfer(in, &io, false, at);
		if (got <= 0)
			break;
		io_init_kernel(&io, buffer, (size_t)got);
		got = put(p, &io, (size_t)got);
		if (got <= 0)
			break;
		n -= (size_t)got;
		done += got;
		got = in->ops->poll || (size_t)got < want; /* then it was the last read */
	}
	release(p, true);
	pass_on(p);
	return done ?: got;
}

/* Copy up to a page from the front of a pipe. */
static ssize_t peek(struct pipe *p, char *buffer, size_t n)
{
	struct io_buffer io;
	ssize_t got;

	io_init_kernel(&io, buffer, PAGE_SIZE);
	mutex_lock(&p->lock);
	got = pipe_move(p, &io, p->tail, MIN(MIN(n, p->head - p->tail), PAGE_SIZE), false);
	mutex_unlock(&p->lock);
	return got;
}

/* Remove `n` bytes that peek() has returned. */
static void consume(struct pipe *p, u64 n)
{
	bool wake;

	mutex_lock(&p->lock);
	wake = pipe_take(p, n);
	mutex_unlock(&p->lock);
	if (wake)
		wait_wake_one(&p->writable);
}

static ssize_t pipe_to_file(struct file *in, struct file *out, u64 *at, size_t n, u32 flags,
			    char *buffer)
{
	struct pipe *p = in->private;
	ssize_t got = pipe_wait(p, false, may_wait(in, flags), true), done = 0;

	if (got)
		return got;
	while (!got && n) {
		struct io_buffer io;

		got = peek(p, buffer, n);
		if (got <= 0)
			break;
		io_init_kernel(&io, buffer, (size_t)got);
		got = file_transfer(out, &io, true, at);
		if (got <= 0)
			break;
		consume(p, (u64)got);
		n -= (size_t)got;
		done += got;
		got = io.remaining != 0; /* a short write is the last one */
	}
	release(p, false);
	pass_on(p);
	return !done && got == -EFBIG ? file_too_large() : done ?: got;
}

/* Another thread may take the data or the room, or claim an end, between the wait and the lock:
 * then wait again. */
static ssize_t pipe_to_pipe(struct file *in, struct file *out, size_t n, u32 flags, bool consume,
			    char *buffer)
{
	struct pipe *from = in->private, *to = out->private;
	bool wait = may_wait(in, flags) && may_wait(out, flags), end = false;
	ssize_t result;

	do {
		result = pipe_wait(from, false, wait, false);
		result = result ?: pipe_wait(to, true, wait, false);
		if (result)
			break;
		mutex_lock(&MIN(from, to)->lock);
		mutex_lock_nested(&MAX(from, to)->lock);
		if (!to->readers)
			result = broken_pipe();
		else if (pipe_empty(from))
			end = !from->writers;
		else if (!from->claimed[0] && !to->claimed[1])
			result = pass(from, to, n, consume, buffer);
		mutex_unlock(&MAX(from, to)->lock);
		mutex_unlock(&MIN(from, to)->lock);
	} while (!result && !end);
	if (result > 0) {
		wait_wake_one(&to->readable);
		wait_wake_one(&from->writable);
	}
	pass_on(from);
	pass_on(to);
	return result;
}

/* --- Calls ------------------------------------------------------------------------------------ */

static struct pipe *pipe_of(const struct file *f)
{
	return f->ops == &pipe_ops ? f->private : NULL;
}

static bool opened_for(const struct file *f, u32 mode)
{
	u32 access = f->flags & O_ACCMODE;

	return access == mode || access == O_RDWR;
}

static int splice_check(const struct file *in, bool in_position, const struct file *out,
			bool out_position)
{
	if (!opened_for(in, O_RDONLY) || !opened_for(out, O_WRONLY))
		return -EBADF;
	if ((pipe_of(in) && in_position) || (pipe_of(out) && out_position))
		return -ESPIPE;
	if ((!pipe_of(in) && !pipe_of(out)) || (pipe_of(in) && pipe_of(in) == pipe_of(out)))
		return -EINVAL;
	if (!pipe_of(out) && out->flags & O_APPEND)
		return -EINVAL;
	return S_ISDIR(in->inode->mode) ? -EINVAL : 0;
}

/* One of the two positions, that of the file that is no pipe, is used. */
static long splice(struct file *in, u64 user_from, struct file *out, u64 user_to, u64 n, u32 flags)
{
	int error = splice_check(in, user_from, out, user_to);
	u64 user = user_from | user_to, position = 0, *at = user ? &position : NULL;
	char *buffer;
	long result;

	if (error)
		return error;
	if (user && get_user_u64(&position, (u64 *)user))
		return -EFAULT;
	if ((s64)position < 0)
		return -EINVAL;
	buffer = kmalloc(PAGE_SIZE);
	if (!buffer)
		return -ENOMEM;
	n = MIN(n, RW_MAX);
	if (pipe_of(in) && pipe_of(out))
		result = pipe_to_pipe(in, out, n, flags, true, buffer);
	else if (pipe_of(in))
		result = pipe_to_file(in, out, at, n, flags, buffer);
	else
		result = file_to_pipe(in, at, out, n, flags, buffer);
	kfree(buffer);
	if (result == -ESPIPE)
		return -EINVAL;
	return result > 0 && user && put_user_u64((u64 *)user, position) ? -EFAULT : result;
}

SYSCALL6(splice, fd_in, from, fd_out, to, n, flags)
{
	struct file *in;

	if (!n)
		return 0;
	if ((u32)flags & ~SPLICE_FLAGS)
		return -EINVAL;
	return WITH_FILE(fd_in,
			 (in = file, WITH_FILE(fd_out, splice(in, from, file, to, n, (u32)flags))));
}

static long tee(struct file *in, struct file *out, u64 n, u32 flags)
{
	char *buffer;
	long result;

	if (!opened_for(in, O_RDONLY) || !opened_for(out, O_WRONLY))
		return -EBADF;
	if (!pipe_of(in) || !pipe_of(out) || pipe_of(in) == pipe_of(out))
		return -EINVAL;
	buffer = kmalloc(PAGE_SIZE);
	if (!buffer)
		return -ENOMEM;
	result = pipe_to_pipe(in, out, MIN(n, RW_MAX), flags, false, buffer);
	kfree(buffer);
	return result;
}

SYSCALL4(tee, fd_in, fd_out, n, flags)
{
	struct file *in;

	if ((u32)flags & ~SPLICE_FLAGS)
		return -EINVAL;
	if (!n)
		return 0;
	return WITH_FILE(fd_in, (in = file, WITH_FILE(fd_out, tee(in, file, n, (u32)flags))));
}

/* Write what there is room for. */
static ssize_t memory_to_pipe(struct file *f, struct io_buffer *io, u32 flags)
{
	struct pipe *p = f->private;
	ssize_t result = pipe_wait(p, true, may_wait(f, flags), true);

	if (result)
		return result;
	result = READ_ONCE(p->readers) ? put(p, io, io->remaining) : broken_pipe();
	release(p, true);
	pass_on(p);
	return result;
}

/* Read what is there.  The bytes are copied. */
static ssize_t pipe_to_memory(struct file *f, struct io_buffer *io, u32 flags)
{
	struct pipe *p = f->private;
	ssize_t result = pipe_wait(p, false, may_wait(f, flags), true);
	bool wake;

	if (result)
		return result;
	mutex_lock(&p->lock);
	result = pipe_move(p, io, p->tail, MIN(p->head - p->tail, io->remaining), false);
	wake = result > 0 && pipe_take(p, (u64)result);
	mutex_unlock(&p->lock);
	release(p, false);
	if (wake)
		wait_wake_one(&p->writable);
	pass_on(p);
	return result;
}

static long vmsplice(struct file *f, u64 vector, u64 count, u32 flags)
{
	struct user_vector v;
	long result;

	if (!pipe_of(f))
		return -EBADF;
	result = user_vector_get(&v, vector, count);
	if (result)
		return result;
	if (v.io.remaining)
		result = opened_for(f, O_WRONLY) ? memory_to_pipe(f, &v.io, flags)
						 : pipe_to_memory(f, &v.io, flags);
	user_vector_put(&v);
	return result;
}

CALL(vmsplice, (u32)d & ~SPLICE_FLAGS ? -EINVAL : WITH_FILE(a, vmsplice(file, b, c, (u32)d)))
