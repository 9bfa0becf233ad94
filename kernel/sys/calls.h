/* SPDX-License-Identifier: MIT
 *
 * Inside the room: the list of calls, from which prototypes and table are made, and what the files
 * of the room share.
 */
#pragma once

#include "kernel/fs/file_table.h"
#include "kernel/linux/socket/unix_socket.h"
#include "kernel/sys/syscall.h"
#include "kernel/task/process.h"

/* Every call has the type syscall_fn; these give names to the arguments that it uses. */
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
#define HERE (u64) AT_FDCWD /* the directory of calls without such an argument */

/* clang-format off */
/* Numbers of the Linux x86-64 ABI. */
#define SYSCALL_LIST(X)                                                                            \
	X(0, read) X(1, write) X(2, open) X(3, close) X(4, stat) X(5, fstat) X(6, lstat)           \
	X(7, poll) X(8, lseek) X(9, mmap) X(10, mprotect) X(11, munmap) X(12, brk)                 \
	X(13, rt_sigaction) X(14, rt_sigprocmask) X(15, rt_sigreturn) X(16, ioctl)                 \
	X(17, pread64) X(18, pwrite64) X(19, readv) X(20, writev) X(21, access) X(22, pipe)        \
	X(23, select) X(24, sched_yield) X(25, mremap) X(26, msync)                                \
	X(28, madvise) X(32, dup) X(33, dup2) X(34, pause) X(35, nanosleep) X(36, getitimer)       \
	X(37, alarm) X(38, setitimer) X(39, getpid)                                                \
	X(41, socket) X(42, connect) X(43, accept) X(44, sendto) X(45, recvfrom) X(46, sendmsg)    \
	X(47, recvmsg) X(48, shutdown) X(49, bind) X(50, listen) X(51, getsockname)                \
	X(52, getpeername) X(53, socketpair) X(54, setsockopt) X(55, getsockopt)                   \
	X(56, clone) X(57, fork) X(58, vfork)                                                      \
	X(59, execve) X(60, exit) X(61, wait4) X(62, kill) X(63, uname) X(72, fcntl)               \
	X(74, fsync) X(75, fdatasync) X(76, truncate) X(77, ftruncate) X(79, getcwd)               \
	X(80, chdir) X(81, fchdir) X(82, rename) X(83, mkdir) X(84, rmdir) X(85, creat)            \
	X(86, link) X(87, unlink) X(88, symlink) X(89, readlink) X(90, chmod) X(91, fchmod)        \
	X(92, chown) X(93, fchown) X(94, lchown) X(95, umask) X(96, gettimeofday)                  \
	X(97, getrlimit) X(98, getrusage) X(99, sysinfo) X(100, times) X(102, getuid)              \
	X(103, syslog) X(104, getgid) X(105, setuid) X(106, setgid) X(107, geteuid)                \
	X(108, getegid) X(109, setpgid) X(110, getppid) X(111, getpgrp) X(112, setsid)             \
	X(115, getgroups) X(116, setgroups) X(117, setresuid)                                      \
	X(118, getresuid) X(119, setresgid) X(120, getresgid) X(121, getpgid) X(124, getsid)       \
	X(127, rt_sigpending) X(128, rt_sigtimedwait) X(129, rt_sigqueueinfo)                      \
	X(130, rt_sigsuspend) X(131, sigaltstack) X(133, mknod) X(135, personality)                \
	X(137, statfs) X(138, fstatfs) X(140, getpriority) X(141, setpriority)                     \
	X(142, sched_setparam) X(143, sched_getparam) X(144, sched_setscheduler)                   \
	X(145, sched_getscheduler) X(146, sched_get_priority_max) X(147, sched_get_priority_min)   \
	X(148, sched_rr_get_interval) X(149, mlock) X(150, munlock) X(151, mlockall)               \
	X(152, munlockall) X(157, prctl) X(158, arch_prctl) X(160, setrlimit)       \
	X(162, sync) X(169, reboot) X(170, sethostname)              \
	X(186, gettid) X(200, tkill) X(201, time) X(202, futex) X(203, sched_setaffinity)          \
	X(204, sched_getaffinity) X(217, getdents64) X(218, set_tid_address)                       \
	X(219, restart_syscall) X(222, timer_create) X(223, timer_settime) X(224, timer_gettime)   \
	X(225, timer_getoverrun) X(226, timer_delete) X(227, clock_settime)                        \
	X(228, clock_gettime) X(229, clock_getres) X(230, clock_nanosleep) X(231, exit_group)      \
	X(234, tgkill) X(247, waitid) X(257, openat) X(258, mkdirat) X(259, mknodat)               \
	X(260, fchownat) X(262, newfstatat) X(263, unlinkat) X(264, renameat) X(265, linkat)       \
	X(266, symlinkat) X(267, readlinkat) X(268, fchmodat) X(269, faccessat) X(270, pselect6)   \
	X(271, ppoll) X(273, set_robust_list) X(274, get_robust_list) X(280, utimensat)            \
	X(288, accept4) X(292, dup3) X(293, pipe2) X(295, preadv) X(296, pwritev)                  \
	X(302, prlimit64) X(309, getcpu) X(316, renameat2) X(318, getrandom) X(435, clone3)        \
	X(436, close_range) X(439, faccessat2)

/* clang-format on */

#define SYSCALL_PROTOTYPE(number, name) SYSCALL6(name, a, b, c, d, e, f);
SYSCALL_LIST(SYSCALL_PROTOTYPE)

/* --- Times (sys_time.c) ----------------------------------------------------------------------- */

#define CLOCK_REALTIME	0
#define CLOCK_MONOTONIC 1

struct timeval {
	s64 seconds, microseconds;
};

/* A user's timespec or timeval, two 64-bit numbers, the second a fraction in units of so many ns.
 */
#define TIMESPEC 1
#define TIMEVAL	 NSEC_PER_USEC

/* As nanoseconds; what is too long is WAIT_FOREVER.  0, -EFAULT, -EINVAL (negative, or a fraction
 * of a second or more). */
int time_get(u64 user, u64 unit, u64 *ns);
int time_put(u64 user, u64 unit, u64 ns);
struct timespec timespec_of(u64 ns);
struct timeval timeval_of(u64 ns);

/* A time from now on, and a time of CLOCK_REALTIME, as clock_now_ns() time. */
u64 deadline_after(u64 ns);
u64 deadline_of_realtime(u64 realtime_ns);
u64 time_left(u64 deadline_ns);

/* An optional relative timeout at `user` (0: none) as a deadline. */
int deadline_get(u64 user, u64 unit, u64 *deadline_ns);

/* --- Paths (sys_path.c) ----------------------------------------------------------------------- */

/* A user's string of at most PATH_MAX bytes with its NUL, to be kfree()d: ERR_PTR. */
char *string_get(u64 user);

/* The inode a path leads to, with a reference: ERR_PTR.  AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW. */
struct inode *path_inode(u64 dirfd, u64 user_path, u32 flags);

/* The file of a descriptor goes by `file` in `call`, an expression: its value, or -EBADF. */
#define WITH_FILE(fd, call)                                                                        \
	({                                                                                         \
		struct file *file = fd_get((u32)(fd));                                             \
		long _result = -EBADF;                                                             \
		if (file) {                                                                        \
			_result = (call);                                                          \
			file_put(file);                                                            \
		}                                                                                  \
		_result;                                                                           \
	})

/* The inode of an open descriptor, with a reference: ERR_PTR(-EBADF). */
struct inode *fd_inode(u64 fd);

/* Look up, and give back after `call`, an expression of `inode`: its value, or lookup's error. */
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

/* --- Reading and writing (sys_file.c) --------------------------------------------------------- */

#define RW_MAX	     0x7ffff000UL /* bytes that one call moves at most, as on Linux */
#define IOV_ON_STACK 8

/* A user's vector in kernel memory, checked as readv(2) says and cut at RW_MAX: 0, -EINVAL,
 * -ENOMEM, -EFAULT. */
struct user_vector {
	struct iovec small[IOV_ON_STACK], *iov;
	struct io_buffer io;
};
int user_vector_get(struct user_vector *v, u64 user, u64 count);
void user_vector_put(struct user_vector *v);

/* EPIPE and EFBIG come with a signal, which the caller seems to send itself. */
void signal_caller(int signal);

/* Descriptors for a new pair, whose references it takes over; both go to `user` (sys_fd.c). */
int fd_install_pair(struct file *const f[2], bool close_on_exec, u64 user);

/* --- The rest --------------------------------------------------------------------------------- */

int sigset_get(sigset_t *set, u64 user, u64 size);	  /* sys_signal.c */
int rusage_put(u64 user, const struct resource_use *use); /* sys_info.c */
struct resource_use children_use(struct process *p);	  /* sys_info.c */
void cred_of_caller(struct ucred *cred, bool effective);  /* sys_socket.c */
struct thread *thread_by_argument(pid_t tid);		  /* sys_sched.c: 0: the caller */

static inline bool is_privileged(void)
{
	return current_process()->euid == 0;
}
