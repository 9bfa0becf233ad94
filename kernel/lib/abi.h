/* SPDX-License-Identifier: MIT
 *
 * Numbers of the Linux x86_64 ABI that more than one room of the kernel uses.  Programs are
 * compiled with them, so no value here can ever change.  Sources: Linux's include/uapi/ and the
 * manual pages.
 */
#pragma once

#include "kernel/lib/base.h"

/* --- System calls: X(number, name) for each that this kernel knows --------------------------- */

/* clang-format off */
#define SYSCALL_NUMBERS(X)									\
	X(0, read) X(1, write) X(2, open) X(3, close) X(4, stat) X(5, fstat) X(6, lstat)	\
	X(7, poll) X(8, lseek) X(9, mmap) X(10, mprotect) X(11, munmap) X(12, brk)		\
	X(13, rt_sigaction) X(14, rt_sigprocmask) X(15, rt_sigreturn) X(16, ioctl)		\
	X(17, pread64) X(18, pwrite64) X(19, readv) X(20, writev) X(21, access) X(22, pipe)	\
	X(23, select) X(24, sched_yield) X(25, mremap) X(26, msync) X(28, madvise) X(32, dup)	\
	X(33, dup2) X(34, pause) X(35, nanosleep) X(36, getitimer) X(37, alarm)			\
	X(38, setitimer) X(39, getpid) X(41, socket) X(42, connect) X(43, accept)		\
	X(44, sendto) X(45, recvfrom) X(46, sendmsg) X(47, recvmsg) X(48, shutdown)		\
	X(49, bind) X(50, listen) X(51, getsockname) X(52, getpeername) X(53, socketpair)	\
	X(54, setsockopt) X(55, getsockopt) X(56, clone) X(57, fork) X(58, vfork)		\
	X(59, execve) X(60, exit) X(61, wait4) X(62, kill) X(63, uname) X(72, fcntl)		\
	X(74, fsync) X(75, fdatasync) X(76, truncate) X(77, ftruncate) X(79, getcwd)		\
	X(80, chdir) X(81, fchdir) X(82, rename) X(83, mkdir) X(84, rmdir) X(85, creat)		\
	X(86, link) X(87, unlink) X(88, symlink) X(89, readlink) X(90, chmod) X(91, fchmod)	\
	X(92, chown) X(93, fchown) X(94, lchown) X(95, umask) X(96, gettimeofday)		\
	X(97, getrlimit) X(98, getrusage) X(99, sysinfo) X(100, times) X(102, getuid)		\
	X(103, syslog) X(104, getgid) X(105, setuid) X(106, setgid) X(107, geteuid)		\
	X(108, getegid) X(109, setpgid) X(110, getppid) X(111, getpgrp) X(112, setsid)		\
	X(115, getgroups) X(116, setgroups) X(117, setresuid) X(118, getresuid)			\
	X(119, setresgid) X(120, getresgid) X(121, getpgid) X(124, getsid)			\
	X(127, rt_sigpending) X(128, rt_sigtimedwait) X(129, rt_sigqueueinfo)			\
	X(130, rt_sigsuspend) X(131, sigaltstack) X(133, mknod) X(135, personality)		\
	X(137, statfs) X(138, fstatfs) X(140, getpriority) X(141, setpriority)			\
	X(142, sched_setparam) X(143, sched_getparam) X(144, sched_setscheduler)		\
	X(145, sched_getscheduler) X(146, sched_get_priority_max)				\
	X(147, sched_get_priority_min) X(148, sched_rr_get_interval) X(149, mlock)		\
	X(150, munlock) X(151, mlockall) X(152, munlockall) X(157, prctl) X(158, arch_prctl)	\
	X(160, setrlimit) X(162, sync) X(169, reboot) X(170, sethostname) X(186, gettid)	\
	X(200, tkill) X(201, time) X(202, futex) X(203, sched_setaffinity)			\
	X(204, sched_getaffinity) X(217, getdents64) X(218, set_tid_address)			\
	X(219, restart_syscall) X(222, timer_create) X(223, timer_settime)			\
	X(224, timer_gettime) X(225, timer_getoverrun) X(226, timer_delete)			\
	X(227, clock_settime) X(228, clock_gettime) X(229, clock_getres)			\
	X(230, clock_nanosleep) X(231, exit_group) X(234, tgkill) X(247, waitid)		\
	X(257, openat) X(258, mkdirat) X(259, mknodat) X(260, fchownat) X(262, newfstatat)	\
	X(263, unlinkat) X(264, renameat) X(265, linkat) X(266, symlinkat) X(267, readlinkat)	\
	X(268, fchmodat) X(269, faccessat) X(270, pselect6) X(271, ppoll)			\
	X(273, set_robust_list) X(274, get_robust_list) X(280, utimensat) X(288, accept4)	\
	X(292, dup3) X(293, pipe2) X(295, preadv) X(296, pwritev) X(302, prlimit64)		\
	X(309, getcpu) X(316, renameat2) X(318, getrandom) X(435, clone3) X(436, close_range)	\
	X(439, faccessat2)
/* clang-format on */

/* NR_read, NR_write, ...  An enumeration, so that gdb knows them. */
enum {
#define SYSCALL_NUMBER(number, name) NR_##name = (number),
	SYSCALL_NUMBERS(SYSCALL_NUMBER)
#undef SYSCALL_NUMBER
};

/* --- Clocks: clock_gettime(2), timer_create(2) ----------------------------------------------- */

#define CLOCK_REALTIME		 0
#define CLOCK_MONOTONIC		 1
#define CLOCK_PROCESS_CPUTIME_ID 2
#define CLOCK_THREAD_CPUTIME_ID	 3
#define CLOCK_MONOTONIC_RAW	 4
#define CLOCK_REALTIME_COARSE	 5
#define CLOCK_MONOTONIC_COARSE	 6
#define CLOCK_BOOTTIME		 7
#define CLOCK_TAI		 11

#define TIMER_ABSTIME		 1 /* flag: the time is a point of the clock, not a duration */

/* --- lseek(2), sigprocmask(2), ioctl(2) ------------------------------------------------------ */

#define SEEK_SET    0
#define SEEK_CUR    1
#define SEEK_END    2

#define SIG_BLOCK   0
#define SIG_UNBLOCK 1
#define SIG_SETMASK 2

#define FIONREAD    0x541b

/* --- Resource limits: getrlimit(2).  Bytes, unless the comment says otherwise ----------------- */

#define RLIMIT_FSIZE	  1
#define RLIMIT_DATA	  2
#define RLIMIT_STACK	  3
#define RLIMIT_CORE	  4
#define RLIMIT_RSS	  5
#define RLIMIT_NPROC	  6 /* processes and threads */
#define RLIMIT_NOFILE	  7 /* the lowest descriptor number that is not allowed */
#define RLIMIT_MEMLOCK	  8
#define RLIMIT_AS	  9
#define RLIMIT_SIGPENDING 11 /* queued signals */
#define RLIMIT_COUNT	  16
#define RLIM_INFINITY	  UINT64_MAX

struct rlimit {
	u64 current, maximum;
};

/* --- clone(2): flags ------------------------------------------------------------------------- */

#define CSIGNAL		     0x000000ff /* the exit signal of clone() */
#define CLONE_NEWTIME	     0x00000080 /* in clone() the bit belongs to the exit signal */
#define CLONE_VM	     0x00000100
#define CLONE_FS	     0x00000200
#define CLONE_FILES	     0x00000400
#define CLONE_SIGHAND	     0x00000800
#define CLONE_PIDFD	     0x00001000
#define CLONE_VFORK	     0x00004000
#define CLONE_PARENT	     0x00008000
#define CLONE_THREAD	     0x00010000
#define CLONE_NEWNS	     0x00020000
#define CLONE_SETTLS	     0x00080000
#define CLONE_PARENT_SETTID  0x00100000
#define CLONE_CHILD_CLEARTID 0x00200000
#define CLONE_DETACHED	     0x00400000
#define CLONE_CHILD_SETTID   0x01000000
#define CLONE_NEWCGROUP	     0x02000000
#define CLONE_NEWUTS	     0x04000000
#define CLONE_NEWIPC	     0x08000000
#define CLONE_NEWUSER	     0x10000000
#define CLONE_NEWPID	     0x20000000
#define CLONE_NEWNET	     0x40000000
#define CLONE_CLEAR_SIGHAND  0x100000000ULL

/* --- wait(2): options ------------------------------------------------------------------------ */

#define WNOHANG	    1
#define WUNTRACED   2
#define WSTOPPED    2
#define WEXITED	    4
#define WCONTINUED  8
#define WNOWAIT	    0x01000000
#define __WNOTHREAD 0x20000000
#define __WALL	    0x40000000
#define __WCLONE    0x80000000
