/* SPDX-License-Identifier: MIT
 *
 * Copying between files inside the kernel: sendfile(), copy_file_range().
 */
#include "kernel/linux/errno.h"
#include "kernel/mem/slab.h"
#include "kernel/sys/calls.h"

/* Copy at most `n` bytes from `in`, at *from, to `out`, at *to or, if `to` is NULL, at its own
 * position.  Both positions advance.  Returns the number of bytes, or an error if it is 0. */
static ssize_t copy(struct file *in, u64 *from, struct file *out, u64 *to, u64 n)
{
	char *buffer = kmalloc(PAGE_SIZE);
	ssize_t done = 0, got = -ENOMEM;

	while (buffer && n) {
		struct io_buffer io;
		u64 at = *from;
		size_t size;

		io_init_kernel(&io, buffer, MIN(n, PAGE_SIZE));
		got = file_transfer(in, &io, false, &at);
		if (got <= 0)
			break;
		size = (size_t)got;
		io_init_kernel(&io, buffer, size);
		got = file_transfer(out, &io, true, to);
		if (got <= 0)
			break;
		*from += (u64)got;
		n -= (u64)got;
		done += got;
		if ((size_t)got < size || thread_interrupted(WAIT_SIGNALS))
			break;
	}
	kfree(buffer);
	if (!done && got == -EFBIG)
		return file_too_large();
	return done ?: n ? got : 0;
}

static bool may_read(const struct file *f)
{
	return (f->flags & O_ACCMODE) != O_WRONLY;
}

static bool may_write(const struct file *f)
{
	return (f->flags & O_ACCMODE) != O_RDONLY;
}

/* Read and write back the position that a call has in memory of the user, or that of the file if
 * `user` is 0. */
static int position_get(struct file *f, u64 user, u64 *position)
{
	if (user)
		return get_user_u64(position, (u64 *)user);
	*position = READ_ONCE(f->position);
	return 0;
}

static int position_put(struct file *f, u64 user, u64 position)
{
	if (user)
		return put_user_u64((u64 *)user, position);
	mutex_lock(&f->position_lock);
	f->position = position;
	mutex_unlock(&f->position_lock);
	return 0;
}

/* Evaluate the expression `call`, in which `in` and `out` are the files of two descriptors.  Its
 * value, or -EBADF. */
#define WITH_TWO(fd_in, fd_out, call)                                                              \
	WITH_FILE(fd_in, ({                                                                        \
			  struct file *in = file;                                                  \
			  WITH_FILE(fd_out, ({                                                     \
					    struct file *out = file;                               \
					    call;                                                  \
				    }));                                                           \
		  }))

/* --- sendfile --------------------------------------------------------------------------------- */

static long send(struct file *out, struct file *in, u64 user_position, u64 n)
{
	u64 position;
	long result;

	if (position_get(in, user_position, &position))
		return -EFAULT;
	if (!may_read(in) || !may_write(out))
		return -EBADF;
	if (out->flags & O_APPEND || S_ISDIR(in->inode->mode) || (s64)position < 0)
		return -EINVAL;
	result = copy(in, &position, out, NULL, MIN(n, RW_MAX));
	if (result == -ESPIPE && !user_position)
		return -EINVAL;
	if (result >= 0 && position_put(in, user_position, position))
		return -EFAULT;
	return result;
}

CALL(sendfile, WITH_TWO(b, a, send(out, in, c, d)))

/* --- copy_file_range -------------------------------------------------------------------------- */

/* Check what copy_file_range(2) says, and cut *n at the end of `in`. */
static int range_check(struct file *in, u64 from, struct file *out, u64 to, u64 *n)
{
	u64 size = READ_ONCE(in->inode->size);

	if (S_ISDIR(in->inode->mode) || S_ISDIR(out->inode->mode))
		return -EISDIR;
	if (!S_ISREG(in->inode->mode) || !S_ISREG(out->inode->mode))
		return -EINVAL;
	if (!may_read(in) || !may_write(out) || out->flags & O_APPEND)
		return -EBADF;
	if (in->inode->sb != out->inode->sb)
		return -EXDEV;
	if (from + *n < from || to + *n < to)
		return -EOVERFLOW;
	if ((s64)from < 0 || (s64)to < 0)
		return -EINVAL;
	*n = MIN(MIN(*n, RW_MAX), size - MIN(from, size));
	if (in->inode == out->inode && from < to + *n && to < from + *n)
		return -EINVAL;
	return 0;
}

static long copy_range(struct file *in, u64 user_from, struct file *out, u64 user_to, u64 n)
{
	u64 from, to;
	long result;

	if (position_get(in, user_from, &from) || position_get(out, user_to, &to))
		return -EFAULT;
	result = range_check(in, from, out, to, &n);
	if (!result)
		result = copy(in, &from, out, &to, n);
	if (result > 0 && (position_put(in, user_from, from) || position_put(out, user_to, to)))
		return -EFAULT;
	return result;
}

CALL(copy_file_range, WITH_TWO(a, c, (u32)f ? -EINVAL : copy_range(in, b, out, d, e)))
