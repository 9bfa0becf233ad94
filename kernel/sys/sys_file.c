/* SPDX-License-Identifier: MIT
 *
 * Reading and writing open files.
 */
#include "kernel/lib/abi.h"
#include "kernel/lib/errno.h"
#include "kernel/mem/slab.h"
#include "kernel/sys/calls.h"

#define OWN UINT64_MAX /* position: the file's own */

long file_too_large(void)
{
	if (current_limit(RLIMIT_FSIZE) < INT64_MAX)
		signal_send_self(SIGXFSZ);
	return -EFBIG;
}

/* Transfer what `io` describes, at `position` or at the position of the file. */
static __always_inline long move(struct file *f, struct io_buffer *io, bool write, u64 position)
{
	long result = file_transfer(f, io, write, position == OWN ? NULL : &position);

	return result == -EFBIG ? file_too_large() : result;
}

static __always_inline long move_buffer(struct file *f, u64 buffer, u64 n, bool write, u64 position)
{
	struct io_buffer io;

	if (!user_range_ok(buffer, n))
		return -EFAULT;
	io_init_user(&io, (void *)buffer, MIN(n, RW_MAX));
	return move(f, &io, write, position);
}

static long move_vector(struct file *f, u64 vector, u64 count, bool write)
{
	struct user_vector v;
	long result = user_vector_get(&v, vector, count);

	if (!result) {
		result = move(f, &v.io, write, OWN);
		user_vector_put(&v);
	}
	return result;
}

CALL(read, WITH_FILE(a, move_buffer(file, b, c, false, OWN)))
CALL(write, WITH_FILE(a, move_buffer(file, b, c, true, OWN)))
CALL(readv, WITH_FILE(a, move_vector(file, b, c, false)))
CALL(writev, WITH_FILE(a, move_vector(file, b, c, true)))

#define AT_POSITION(call) ((s64)d < 0 ? -EINVAL : WITH_FILE(a, call))
CALL(pread64, AT_POSITION(move_buffer(file, b, c, false, d)))
CALL(pwrite64, AT_POSITION(move_buffer(file, b, c, true, d)))

CALL(lseek, WITH_FILE(a, file_seek(file, (s64)b, (int)c)))
CALL(getdents64, WITH_FILE(a, file_readdir(file, (void *)b, (u32)c)))

static long truncate_inode(struct inode *inode, u64 size)
{
	if (S_ISDIR(inode->mode))
		return -EISDIR;
	if (!S_ISREG(inode->mode))
		return -EINVAL;
	if (READ_ONCE(inode->use) < 0)
		return -ETXTBSY;
	if (size > READ_ONCE(inode->size) && size > current_limit(RLIMIT_FSIZE))
		return file_too_large();
	return vfs_truncate(inode, size);
}

static long truncate_file(struct file *f, u64 size)
{
	if ((f->flags & O_ACCMODE) == O_RDONLY || !S_ISREG(f->inode->mode))
		return -EINVAL;
	return truncate_inode(f->inode, size);
}

CALL(ftruncate, (s64)b < 0 ? -EINVAL : WITH_FILE(a, truncate_file(file, b)))
CALL(truncate, (s64)b < 0 ? -EINVAL
			  : WITH_INODE(path_inode(AT_CWD, a, 0),
				       (S_ISREG(inode->mode) ? may_access(inode, MAY_WRITE) : 0)
					   ?: truncate_inode(inode, b)))
