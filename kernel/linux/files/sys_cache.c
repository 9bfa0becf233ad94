/* SPDX-License-Identifier: MIT
 *
 * Calls that advise about the cache of a file, or write it back.  Files are in memory, so these
 * calls only check their arguments.
 */
#include "kernel/lib/errno.h"
#include "kernel/sys/calls.h"

#define POSIX_FADV_NOREUSE    5 /* the highest */
#define SYNC_FILE_RANGE_FLAGS 7

static long sync_mode(u32 mode)
{
	return S_ISREG(mode) || S_ISDIR(mode) ? 0 : -EINVAL;
}

CALL(fsync, WITH_FILE(a, sync_mode(file->inode->mode)))
CALL(fdatasync, sys_fsync(a, b, c, d, e, f))
CALL(sync, 0)

static long advise(const struct file *f, s64 length, u32 advice)
{
	if (S_ISFIFO(f->inode->mode))
		return -ESPIPE;
	return length < 0 || advice > POSIX_FADV_NOREUSE ? -EINVAL : 0;
}

static long read_ahead(const struct file *f)
{
	if ((f->flags & O_ACCMODE) == O_WRONLY)
		return -EBADF;
	return S_ISREG(f->inode->mode) ? 0 : -EINVAL;
}

static long sync_range(const struct file *f, s64 offset, s64 length, u64 flags)
{
	u32 type = f->inode->mode & S_IFMT;
	s64 end;

	if (flags & ~(u64)SYNC_FILE_RANGE_FLAGS || offset < 0 || length < 0 ||
	    __builtin_add_overflow(offset, length, &end))
		return -EINVAL;
	return type == S_IFREG || type == S_IFDIR || type == S_IFBLK ? 0 : -ESPIPE;
}

CALL(fadvise64, WITH_FILE(a, advise(file, (s64)c, (u32)d)))
CALL(readahead, WITH_FILE(a, read_ahead(file)))
CALL(sync_file_range, WITH_FILE(a, sync_range(file, (s64)b, (s64)c, (u32)d)))
CALL(syncfs, WITH_FILE(a, 0))
