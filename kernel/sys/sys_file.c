/* SPDX-License-Identifier: MIT
 *
 * Reading and writing open files.
 */
#include "kernel/fs/file_table.h"
#include "kernel/lib/errno.h"
#include "kernel/mem/slab.h"
#include "kernel/sys/calls.h"

#define RW_MAX	     0x7ffff000UL /* bytes that one call moves at most, as on Linux */
#define IOV_ON_STACK 8
#define HERE	     UINT64_MAX /* at the file's own position */

/* write(2): EPIPE comes with a signal. */
static void pipe_broken(void)
{
	struct process *p = current_process();
	struct siginfo info = {.signo = SIGPIPE, .kill = {p->pid, p->uid, 0}};

	signal_send_thread(current_thread(), SIGPIPE, &info);
}

/* One read or write of what `io` describes, at `position` or HERE.  `io` NULL: `error`. */
static long move(u32 fd, struct io_buffer *io, bool write, u64 position, long error)
{
	struct file *f = fd_get(fd);
	ssize_t result;

	if (!f)
		return -EBADF;
	if (error)
		result = error;
	else if (position == HERE)
		result = write ? file_write(f, io) : file_read(f, io);
	else
		result = write ? file_write_at(f, io, position) : file_read_at(f, io, position);
	file_put(f);
	if (result == -EPIPE && write)
		pipe_broken();
	return result;
}

static long move_buffer(u32 fd, u64 buffer, u64 n, bool write, u64 position)
{
	struct io_buffer io;

	n = MIN(n, RW_MAX);
	io_init_user(&io, (void *)buffer, n);
	return move(fd, &io, write, position, user_range_ok(buffer, n) ? 0 : -EFAULT);
}

/* Check a vector as readv(2) says and cut it at RW_MAX. */
static int iovec_check(struct iovec *iov, u32 count)
{
	u64 sum = 0, room = RW_MAX;

	for (u32 i = 0; i < count; i++) {
		if (iov[i].length > INT64_MAX - sum)
			return -EINVAL;
		sum += iov[i].length;
		if (!user_range_ok(iov[i].base, iov[i].length))
			return -EFAULT;
		iov[i].length = MIN(iov[i].length, room);
		room -= iov[i].length;
	}
	return 0;
}

static long move_vector(u32 fd, u64 vector, u64 count, bool write, u64 position)
{
	struct iovec small[IOV_ON_STACK], *iov = small;
	struct io_buffer io;
	long result = 0;

	if (count > IOV_MAX)
		return move(fd, NULL, write, position, -EINVAL);
	if (count > IOV_ON_STACK)
		iov = kmalloc(count * sizeof(*iov));
	if (!iov)
		return -ENOMEM;
	if (copy_from_user(iov, (void *)vector, count * sizeof(*iov)))
		result = -EFAULT;
	else
		result = iovec_check(iov, (u32)count);
	if (!result)
		io_init_iovec(&io, iov, (u32)count);
	result = move(fd, &io, write, position, result);
	if (iov != small)
		kfree(iov);
	return result;
}

SYSCALL3(read, fd, buffer, n)
{
	return move_buffer((u32)fd, buffer, n, false, HERE);
}

SYSCALL3(write, fd, buffer, n)
{
	return move_buffer((u32)fd, buffer, n, true, HERE);
}

SYSCALL4(pread64, fd, buffer, n, position)
{
	return (s64)position < 0 ? -EINVAL : move_buffer((u32)fd, buffer, n, false, position);
}

SYSCALL4(pwrite64, fd, buffer, n, position)
{
	return (s64)position < 0 ? -EINVAL : move_buffer((u32)fd, buffer, n, true, position);
}

SYSCALL3(readv, fd, vector, count)
{
	return move_vector((u32)fd, vector, count, false, HERE);
}

SYSCALL3(writev, fd, vector, count)
{
	return move_vector((u32)fd, vector, count, true, HERE);
}

SYSCALL4(preadv, fd, vector, count, position)
{
	return (s64)position < 0 ? -EINVAL : move_vector((u32)fd, vector, count, false, position);
}

SYSCALL4(pwritev, fd, vector, count, position)
{
	return (s64)position < 0 ? -EINVAL : move_vector((u32)fd, vector, count, true, position);
}

/* preadv2(2): position -1 is the file's own, and that is HERE. */
SYSCALL6(preadv2, fd, vector, count, position, high, flags)
{
	if (flags)
		return -EOPNOTSUPP;
	return (s64)position < -1 ? -EINVAL : move_vector((u32)fd, vector, count, false, position);
}

SYSCALL6(pwritev2, fd, vector, count, position, high, flags)
{
	if (flags)
		return -EOPNOTSUPP;
	return (s64)position < -1 ? -EINVAL : move_vector((u32)fd, vector, count, true, position);
}

SYSCALL3(lseek, fd, offset, whence)
{
	struct file *f = fd_get((u32)fd);
	long result;

	if (!f)
		return -EBADF;
	result = file_seek(f, (s64)offset, (int)whence);
	file_put(f);
	return result;
}

SYSCALL3(getdents64, fd, entries, size)
{
	struct file *f = fd_get((u32)fd);
	long result;

	if (!f)
		return -EBADF;
	result = file_readdir(f, (void *)entries, (u32)size);
	file_put(f);
	return result;
}

/* A buffer's worth of sendfile().  What could not be written is given back to `in`. */
static ssize_t sendfile_piece(struct file *in, struct file *out, u64 *position, void *buffer,
			      size_t n)
{
	struct io_buffer io;
	ssize_t got, put;

	io_init_kernel(&io, buffer, n);
	got = position ? file_read_at(in, &io, *position) : file_read(in, &io);
	if (got <= 0)
		return got;
	io_init_kernel(&io, buffer, (size_t)got);
	put = file_write(out, &io);
	if (position && put > 0)
		*position += (u64)put;
	else if (!position && put < got)
		file_seek(in, (put > 0 ? put : 0) - got, 1 /* SEEK_CUR */);
	return put;
}

static long sendfile(struct file *in, struct file *out, u64 *position, u64 n)
{
	u8 *buffer;
	ssize_t moved = 0;
	long done = 0;

	if ((in->flags & O_ACCMODE) == O_WRONLY || (out->flags & O_ACCMODE) == O_RDONLY)
		return -EBADF;
	if (!S_ISREG(in->inode->mode) || out->flags & O_APPEND)
		return -EINVAL;
	buffer = kmalloc(PAGE_SIZE);
	if (!buffer)
		return -ENOMEM;
	while (n) {
		moved = sendfile_piece(in, out, position, buffer, MIN(n, PAGE_SIZE));
		if (moved <= 0)
			break;
		done += moved;
		n -= (u64)moved;
		if (thread_interrupted(WAIT_KILLABLE))
			break;
	}
	kfree(buffer);
	if (moved == -EPIPE)
		pipe_broken();
	return done ? done : moved;
}

SYSCALL4(sendfile, out_fd, in_fd, user_position, n)
{
	struct file *in = fd_get((u32)in_fd), *out = fd_get((u32)out_fd);
	u64 position;
	long result = -EBADF;

	if (in && out) {
		result = user_position ? get_user_u64(&position, (u64 *)user_position) : 0;
		if (!result && user_position && (s64)position < 0)
			result = -EINVAL;
		if (!result)
			result =
			    sendfile(in, out, user_position ? &position : NULL, MIN(n, RW_MAX));
		if (result >= 0 && user_position && put_user_u64((u64 *)user_position, position))
			result = -EFAULT;
	}
	if (in)
		file_put(in);
	if (out)
		file_put(out);
	return result;
}

/* Files are in memory: they are as safe as they will get. */
static long sync_file(u32 fd)
{
	struct file *f = fd_get(fd);
	u32 mode;

	if (!f)
		return -EBADF;
	mode = f->inode->mode;
	file_put(f);
	return S_ISREG(mode) || S_ISDIR(mode) ? 0 : -EINVAL;
}

SYSCALL1(fsync, fd)
{
	return sync_file((u32)fd);
}

SYSCALL1(fdatasync, fd)
{
	return sync_file((u32)fd);
}

SYSCALL0(sync)
{
	return 0;
}

SYSCALL4(fadvise64, fd, offset, length, advice)
{
	struct inode *inode = fd_inode((u32)fd);
	u32 mode;

	if (IS_ERR(inode))
		return PTR_ERR(inode);
	mode = inode->mode;
	inode_put(inode);
	if (S_ISFIFO(mode))
		return -ESPIPE;
	return (s64)length < 0 || advice > 5 ? -EINVAL : 0;
}

/* Bytes beyond RLIMIT_FSIZE: SIGXFSZ and EFBIG. */
static int file_size_check(u64 size)
{
	struct process *p = current_process();

	if (size <= READ_ONCE(p->limits[RLIMIT_FSIZE].current))
		return 0;
	signal_send_thread(current_thread(), SIGXFSZ, NULL);
	return -EFBIG;
}

static long truncate_inode(struct inode *inode, u64 size)
{
	long error = (s64)size < 0 ? -EINVAL : 0;

	if (!error && S_ISDIR(inode->mode))
		error = -EISDIR;
	if (!error && !S_ISREG(inode->mode))
		error = -EINVAL;
	if (!error)
		error = file_size_check(size);
	return error ? error : vfs_truncate(inode, size);
}

SYSCALL2(truncate, path, size)
{
	struct inode *inode;
	long error;

	if ((s64)size < 0)
		return -EINVAL;
	inode = path_inode(AT_FDCWD, path, 0);
	if (IS_ERR(inode))
		return PTR_ERR(inode);
	error = truncate_inode(inode, size);
	inode_put(inode);
	return error;
}

SYSCALL2(ftruncate, fd, size)
{
	struct file *f;
	long error;

	if ((s64)size < 0)
		return -EINVAL;
	f = fd_get((u32)fd);
	if (!f)
		return -EBADF;
	if ((f->flags & O_ACCMODE) == O_RDONLY || !S_ISREG(f->inode->mode))
		error = -EINVAL;
	else
		error = truncate_inode(f->inode, size);
	file_put(f);
	return error;
}

/* fallocate(2): only the default mode, and FALLOC_FL_KEEP_SIZE (1), which then has nothing to do:
 * pages of the RAM file system are made when they are written. */
SYSCALL4(fallocate, fd, mode, offset, length)
{
	struct file *f;
	long error = 0;
	u64 end = offset + length;

	if ((s64)offset < 0 || (s64)length <= 0)
		return -EINVAL;
	if (mode & ~1UL)
		return -EOPNOTSUPP;
	if ((s64)end < 0)
		return -EFBIG;
	f = fd_get((u32)fd);
	if (!f)
		return -EBADF;
	if ((f->flags & O_ACCMODE) == O_RDONLY)
		error = -EBADF;
	else if (S_ISFIFO(f->inode->mode))
		error = -ESPIPE;
	else if (!S_ISREG(f->inode->mode))
		error = -ENODEV;
	else if (!mode && end > READ_ONCE(f->inode->size))
		error = truncate_inode(f->inode, end);
	file_put(f);
	return error;
}
