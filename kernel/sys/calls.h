/* SPDX-License-Identifier: MIT
 *
 * How a system call is defined, in this room or in an extension, and what the calls share.
 */
#pragma once

#include "kernel/fs/file_table.h"
#include "kernel/fs/rights.h"
#include "kernel/lib/abi.h"
#include "kernel/sys/syscall.h"
#include "kernel/task/process.h"

/* Every call has the type syscall_fn.  SYSCALLn(name, ...) begins the definition of sys_name() and
 * names the n arguments that it uses. */
#define SYSCALL6(name, a, b, c, d, e, f) long sys_##name(u64 a, u64 b, u64 c, u64 d, u64 e, u64 f)
#define SYSCALL5(name, a, b, c, d, e)	 SYSCALL6(name, a, b, c, d, e, _f)
#define SYSCALL4(name, a, b, c, d)	 SYSCALL5(name, a, b, c, d, _e)
#define SYSCALL3(name, a, b, c)		 SYSCALL4(name, a, b, c, _d)
#define SYSCALL2(name, a, b)		 SYSCALL3(name, a, b, _c)
#define SYSCALL1(name, a)		 SYSCALL2(name, a, _b)
#define SYSCALL0(name)			 SYSCALL1(name, _a)

/* A call of one line; `value` is an expression of the arguments a to f. */
#define CALL(name, value)                                                                          \
	SYSCALL6(name, a, b, c, d, e, f)                                                           \
	{                                                                                          \
		return (long)(value);                                                              \
	}
/* The directory that a relative path starts from, in calls that have no argument for it. */
#define AT_CWD ((u64)AT_FDCWD)

/* The prototype of every call that kernel/lib/abi.h lists. */
#define SYSCALL_PROTOTYPE(number, name) SYSCALL6(name, a, b, c, d, e, f);
SYSCALL_NUMBERS(SYSCALL_PROTOTYPE)

/* --- Arguments (arguments.c) ------------------------------------------------------------------ */

/* Copy a string of at most PATH_MAX bytes, the NUL included.  The caller frees it by kfree().
 * ERR_PTR(-EFAULT, -ENAMETOOLONG, -ENOMEM). */
char *string_get(u64 user);

#define RW_MAX	     0x7ffff000UL /* bytes that one call moves at most, as on Linux */
#define IOV_ON_STACK 8

/* Copy a struct iovec array, check it as readv(2) says, and cut it at RW_MAX bytes in all.  0,
 * -EINVAL, -ENOMEM, -EFAULT. */
struct user_vector {
	struct iovec small[IOV_ON_STACK], *iov;
	struct io_buffer io;
};
int user_vector_get(struct user_vector *v, u64 user, u64 count);
void user_vector_put(struct user_vector *v);

int sigset_get(sigset_t *set, u64 user, u64 size); /* 0, -EINVAL, -EFAULT */

/* By TID (0: the caller), with a reference, or NULL. */
struct thread *thread_by_argument(tid_t tid);

struct timeval {
	s64 seconds, microseconds;
};

/* `unit` for a timespec or timeval, which are seconds and a fraction in units of `unit`
 * nanoseconds. */
#define TIMESPEC 1
#define TIMEVAL	 NSEC_PER_USEC

/* Read a timespec or timeval as nanoseconds; a time that is too long becomes WAIT_FOREVER.  0,
 * -EFAULT, -EINVAL (negative, or the fraction is a second or more). */
int time_get(u64 user, u64 unit, u64 *ns);
int time_put(u64 user, u64 unit, u64 ns);
struct timeval timeval_of(u64 ns);

/* Deadlines are times of clock_now_ns().  Of a duration, and of a time of CLOCK_REALTIME: */
u64 deadline_after(u64 ns);
u64 deadline_of_realtime(u64 realtime_ns);
u64 time_left(u64 deadline_ns);

/* --- Clocks (sys_time.c) ---------------------------------------------------------------------- */

/* A clock that counts the CPU time of a thread, or of all threads of a process. */
struct cpu_clock {
	struct process *process;
	struct thread *thread; /* NULL: the process */
	bool user_only;	       /* without the time in the kernel */
};

/* The clock that CLOCK_*_CPUTIME_ID or the negative number of clock_getcpuclockid(3) names, with
 * references to its process and thread, which cpu_clock_put() drops.  0 or -EINVAL. */
int cpu_clock_get(int id, struct cpu_clock *clock);
void cpu_clock_put(struct cpu_clock *clock);

/* The time of the clock.  Any context without locks of the scheduler or of processes. */
u64 cpu_clock_ns(const struct cpu_clock *clock);

/* The time of any clock (CLOCK_*).  0 or -EINVAL. */
int clock_read(int clock, u64 *ns);

/* nanosleep(2): sleep for `ns`.  After a signal the time that is left is written to the user's
 * timespec `rest`, if that is not 0.  0 or -ERESTART_RESTARTBLOCK. */
long sleep_relative(u64 ns, u64 rest);

/* --- Paths (sys_path.c) ----------------------------------------------------------------------- */

/* A path argument in kernel memory, and the directory that it starts from (NULL: the working
 * directory). */
struct path_argument {
	char *text; /* `brief`, or if it is longer, memory of its own */
	struct inode *at;
	char brief[128];
};

/* Copy a path argument and look up its directory.  0 or an error; after 0 the caller calls
 * path_put().  `may_be_empty`: an empty path is no error. */
int path_get(struct path_argument *p, u64 dirfd, u64 user_path, bool may_be_empty);
void path_put(struct path_argument *p);

/* Evaluate the expression `call`, in which `p` is the path argument.  Its value, or the error of
 * path_get(). */
#define WITH_PATH(dirfd, user_path, call)                                                          \
	({                                                                                         \
		struct path_argument p;                                                            \
		long _result = path_get(&p, (dirfd), (user_path), false);                          \
		if (!_result) {                                                                    \
			_result = (call);                                                          \
			path_put(&p);                                                              \
		}                                                                                  \
		_result;                                                                           \
	})

/* Look up a path.  The inode, with a reference, or ERR_PTR.  `flags`: AT_EMPTY_PATH,
 * AT_SYMLINK_NOFOLLOW. */
struct inode *path_inode(u64 dirfd, u64 user_path, u32 flags);

/* Evaluate the expression `call`, in which `file` is the open file of descriptor `fd`.  Its
 * value, or -EBADF.  `call` must not close `fd` nor make a thread: see fd_use().  WITH_FILE() does not accept a file of O_PATH. */
#define WITH_FILE(fd, call)	WITH_FILE_OF(O_PATH, fd, call)
#define WITH_ANY_FILE(fd, call) WITH_FILE_OF(0, fd, call)
#define WITH_FILE_OF(refused, fd, call)                                                            \
	({                                                                                         \
		struct fd_use _use = fd_use((u32)(fd), (refused));                                 \
		struct file *file = _use.file;                                                     \
		long _result = file ? (call) : -EBADF;                                             \
		fd_use_end(_use);                                                                  \
		_result;                                                                           \
	})

/* The inode of an open descriptor, of O_PATH too, with a reference: ERR_PTR(-EBADF). */
struct inode *fd_inode(u64 fd);

/* Evaluate the expression `call`, in which `inode` is the result of `lookup`; drop the reference
 * afterwards.  Its value, or the error of `lookup`. */
#define WITH_INODE(lookup, call)                                                                   \
	({                                                                                         \
		struct inode *inode = (lookup);                                                    \
		long _result = IS_ERR(inode) ? PTR_ERR(inode) : 0;                                 \
		if (!_result) {                                                                    \
			_result = (call);                                                          \
			inode_put(inode);                                                          \
		}                                                                                  \
		_result;                                                                           \
	})

/* Install a pair of new files, whose references are consumed, and write both descriptors to `user`
 * (sys_fd.c).  0, -EMFILE, -ENOMEM, -EFAULT; on error neither is installed. */
int fd_install_pair(struct file *const f[2], bool close_on_exec, u64 user);

/* A write was -EFBIG: send SIGXFSZ if RLIMIT_FSIZE is the reason (setrlimit(2)).  Returns -EFBIG
 * (sys_file.c). */
long file_too_large(void);

/* --- The rest --------------------------------------------------------------------------------- */

/* kill(2), with all meanings of `pid`: > 0, 0, -1 and < -1.  0, -EINVAL, -ESRCH, -EPERM,
 * -EAGAIN. */
int signal_kill(pid_t pid, int signal, const struct siginfo *info); /* sys_signal.c */

int rusage_put(u64 user, const struct resource_use *use); /* sys_info.c */
