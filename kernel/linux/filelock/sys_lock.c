/* SPDX-License-Identifier: MIT
 *
 * The calls that lock files: fcntl(F_SETLK) and its relatives, flock().
 */
#include "kernel/lib/errno.h"
#include "kernel/linux/filelock/filelock.h"
#include "kernel/sys/calls.h"
#include "kernel/sys/fcntl_command.h"

#define F_GETLK	     5
#define F_SETLK	     6
#define F_SETLKW     7
#define F_OFD_GETLK  36
#define F_OFD_SETLK  37
#define F_OFD_SETLKW 38
#define F_GETLEASE   1025

/* struct flock of the ABI. */
struct flock {
	s16 type, whence;
	s64 start, length;
	s32 pid;
};

/* The range of a struct flock, whose start is relative and whose length may be negative: first and
 * last byte.  0, -EINVAL, -EOVERFLOW. */
static int range_get(struct file *f, const struct flock *user, struct file_lock *lock)
{
	s64 base = 0, last;

	if (user->whence == SEEK_CUR)
		base = (s64)READ_ONCE(f->position);
	else if (user->whence == SEEK_END)
		base = (s64)READ_ONCE(f->inode->size);
	else if (user->whence != SEEK_SET)
		return -EINVAL;
	if (__builtin_add_overflow(base, user->start, &base))
		return -EOVERFLOW;
	last = LOCK_END;
	if (user->length && __builtin_add_overflow(base, user->length - (user->length > 0), &last))
		return -EOVERFLOW;
	lock->start = user->length < 0 ? last : base;
	lock->end = user->length < 0 ? base - 1 : last;
	return base < 0 || lock->start < 0 ? -EINVAL : 0;
}

/* Read the lock that fcntl() is to test or take.  0, -EFAULT, -EINVAL, -EOVERFLOW. */
static int lock_get(struct file *f, u64 user_flock, bool ofd, struct flock *user,
		    struct file_lock *lock)
{
	if (copy_from_user(user, (void *)user_flock, sizeof(*user)))
		return -EFAULT;
	*lock = (struct file_lock){
	    .inode = f->inode,
	    .owner = ofd ? (void *)f : current_process()->files,
	    .pid = ofd ? -1 : current_process()->pid,
	    .kind = ofd ? LOCK_OFD : LOCK_POSIX,
	    .type = user->type,
	};
	if (user->type < F_RDLCK || user->type > F_UNLCK || (ofd && user->pid))
		return -EINVAL;
	return range_get(f, user, lock);
}

static long test_lock(struct file *f, u64 user_flock, bool ofd)
{
	struct file_lock wanted, found;
	struct flock user;
	int error = lock_get(f, user_flock, ofd, &user, &wanted);

	if (!error && !ofd && wanted.type == F_UNLCK)
		error = -EINVAL;
	if (error)
		return error;
	if (filelock_test(&wanted, &found))
		user = (struct flock){
		    .type = (s16)found.type,
		    .whence = SEEK_SET,
		    .start = found.start,
		    .length = found.end == LOCK_END ? 0 : found.end - found.start + 1,
		    .pid = found.pid,
		};
	else
		user.type = F_UNLCK;
	return copy_to_user((void *)user_flock, &user, sizeof(user));
}

/* Does the descriptor of the calling process still lead to the file? */
static bool is_open(const struct file *f, u32 fd)
{
	struct file *now = fd_get(fd, 0);

	if (now)
		file_put(now);
	return now == f;
}

static long set_lock(struct file *f, u32 fd, u64 user_flock, bool ofd, bool wait)
{
	u32 access = f->flags & O_ACCMODE;
	struct file_lock lock;
	struct flock user;
	int error = lock_get(f, user_flock, ofd, &user, &lock);

	if (error)
		return error;
	if ((lock.type == F_RDLCK && access == O_WRONLY) ||
	    (lock.type == F_WRLCK && access == O_RDONLY))
		return -EBADF;
	error = filelock_set(&lock, wait);
	/* If another thread has closed the descriptor in the meantime, it did not find this lock.
	 */
	if (!error && !ofd && lock.type != F_UNLCK && !is_open(f, fd)) {
		filelock_drop(f->inode, lock.owner, LOCK_POSIX);
		error = -EBADF;
	}
	return error;
}

static long getlk(struct file *f, u32 fd, u64 user)
{
	return test_lock(f, user, false);
}

static long setlk(struct file *f, u32 fd, u64 user)
{
	return set_lock(f, fd, user, false, false);
}

static long setlkw(struct file *f, u32 fd, u64 user)
{
	return set_lock(f, fd, user, false, true);
}

static long ofd_getlk(struct file *f, u32 fd, u64 user)
{
	return test_lock(f, user, true);
}

static long ofd_setlk(struct file *f, u32 fd, u64 user)
{
	return set_lock(f, fd, user, true, false);
}

static long ofd_setlkw(struct file *f, u32 fd, u64 user)
{
	return set_lock(f, fd, user, true, true);
}

/* There are no leases: fcntl(F_SETLEASE) is -EINVAL. */
static long getlease(struct file *f, u32 fd, u64 unused)
{
	return F_UNLCK;
}

static const struct fcntl_command LINKER_SET_ENTRY(fcntl_commands,
						   struct fcntl_command) commands[] = {
    {F_GETLK, getlk},	      {F_SETLK, setlk},		{F_SETLKW, setlkw},
    {F_OFD_GETLK, ofd_getlk}, {F_OFD_SETLK, ofd_setlk}, {F_OFD_SETLKW, ofd_setlkw},
    {F_GETLEASE, getlease},
};

/* --- flock ------------------------------------------------------------------------------------ */

#define LOCK_SH	  1
#define LOCK_EX	  2
#define LOCK_NB	  4
#define LOCK_UN	  8
#define LOCK_MAND 32 /* not supported: ignored, as Linux does */

static long flock_file(struct file *f, u32 operation)
{
	struct file_lock lock = {
	    .inode = f->inode,
	    .owner = f,
	    .pid = current_process()->pid,
	    .kind = LOCK_FLOCK,
	    .type = operation & LOCK_UN	  ? F_UNLCK
		    : operation & LOCK_EX ? F_WRLCK
					  : F_RDLCK,
	    .end = LOCK_END,
	};

	return filelock_set(&lock, !(operation & LOCK_NB));
}

SYSCALL2(flock, fd, operation)
{
	u32 what = (u32)operation & ~(u32)LOCK_NB;

	if ((u32)operation & LOCK_MAND)
		return 0;
	if (what != LOCK_SH && what != LOCK_EX && what != LOCK_UN)
		return -EINVAL;
	return WITH_FILE(fd, flock_file(file, (u32)operation));
}
