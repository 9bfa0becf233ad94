/* SPDX-License-Identifier: MIT
 *
 * Numbers of the Linux x86_64 ABI that more than one room of the kernel uses.  Programs are
 * compiled with them, so no value here can ever change.  Sources: Linux's include/uapi/ and the
 * manual pages.
 */
#pragma once

#include "kernel/lib/base.h"
#include "syscall_numbers.h" /* made by the Makefile from the C library's header */

/* --- System calls: SYSCALL_NUMBERS(X) is X(number, name) for each call of Linux, served or not. */

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

/* --- lseek(2), sigprocmask(2), ioctl(2) ------------------------------------------------------ */

#define SEEK_SET    0
#define SEEK_CUR    1
#define SEEK_END    2

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
#define WEXITED	    4
#define WCONTINUED  8
#define WNOWAIT	    0x01000000
#define __WNOTHREAD 0x20000000
#define __WALL	    0x40000000
#define __WCLONE    0x80000000
