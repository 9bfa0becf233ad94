/* SPDX-License-Identifier: MIT
 *
 * Vectors at a position: preadv(), pwritev(), preadv2(), pwritev2().
 */
#include "kernel/linux/errno.h"
#include "kernel/sys/calls.h"

#define RWF_HIPRI  0x1
#define RWF_DSYNC  0x2
#define RWF_SYNC   0x4
#define RWF_APPEND 0x10

/* Files are in memory, so that these flags ask for nothing. */
#define RWF_WITHOUT_EFFECT (RWF_HIPRI | RWF_DSYNC | RWF_SYNC)

#define OWN		   UINT64_MAX /* position: the file's own */

/* Transfer at *position, or at the file's own position if `position` is NULL, as file_transfer()
 * does.  `append`: at the end, as if the file were open with O_APPEND. */
static ssize_t transfer(struct file *f, struct io_buffer *io, bool write, u64 *position,
			bool append)
{
	struct file appending;
	ssize_t n;

	if (!append || !write || !S_ISREG(f->inode->mode))
		return file_transfer(f, io, write, position);
	/* A write needs no more of the file than its operations, its inode and its flags. */
	appending = (struct file){
	    .ops = f->ops, .inode = f->inode, .flags = f->flags | O_APPEND, .private = f->private};
	if (position)
		return file_transfer(&appending, io, true, position);
	mutex_lock(&f->position_lock);
	n = file_transfer(&appending, io, true, &f->position);
	mutex_unlock(&f->position_lock);
	return n;
}

static long move_vector(struct file *f, u64 vector, u64 count, bool write, u64 position, u32 flags)
{
	struct user_vector v;
	long result = user_vector_get(&v, vector, count);

	if (result)
		return result;
	if (flags & ~(u32)(RWF_WITHOUT_EFFECT | RWF_APPEND))
		result = -EOPNOTSUPP;
	else
		result = transfer(f, &v.io, write, position == OWN ? NULL : &position,
				  flags & RWF_APPEND);
	user_vector_put(&v);
	return result == -EFBIG ? file_too_large() : result;
}

#define AT_POSITION(call) ((s64)d < 0 ? -EINVAL : WITH_FILE(a, call))
CALL(preadv, AT_POSITION(move_vector(file, b, c, false, d, 0)))
CALL(pwritev, AT_POSITION(move_vector(file, b, c, true, d, 0)))

/* Position -1: the file's own.  The fifth argument, the upper half of the position, is not used by
 * 64-bit programs. */
#define AT_POSITION2(call) ((s64)d < -1 ? -EINVAL : WITH_FILE(a, call))
CALL(preadv2, AT_POSITION2(move_vector(file, b, c, false, d, (u32)f)))
CALL(pwritev2, AT_POSITION2(move_vector(file, b, c, true, d, (u32)f)))
