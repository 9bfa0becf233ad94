/* SPDX-License-Identifier: MIT
 *
 * Signals: numbers and structures of the Linux ABI, and sending, masking and delivering them (POSIX
 * 2.4, signal(7)).
 */
#pragma once

#include "kernel/lib/list.h"
#include "kernel/sync/refcount.h"
#include "kernel/sync/spinlock.h"

struct process;
struct thread;
struct trap_frame;

typedef u64 sigset_t; /* bit n-1: signal n */

/* clang-format off */
enum {
	SIGHUP = 1, SIGINT, SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGKILL, SIGUSR1,
	SIGSEGV, SIGUSR2, SIGPIPE, SIGALRM, SIGTERM, SIGSTKFLT, SIGCHLD, SIGCONT, SIGSTOP, SIGTSTP,
	SIGTTIN, SIGTTOU, SIGURG, SIGXCPU, SIGXFSZ, SIGVTALRM, SIGPROF, SIGWINCH, SIGIO, SIGPWR,
	SIGSYS,
};
/* clang-format on */
#define SIGRTMIN  32
#define SIGNAL_COUNT 64

#define SIGNAL_BIT(n) (1UL << ((n) - 1))

#define SIG_DFL 0UL
#define SIG_IGN 1UL

#define SA_NOCLDSTOP 0x00000001
#define SA_NOCLDWAIT 0x00000002
#define SA_RESTORER  0x04000000
#define SA_ONSTACK   0x08000000
#define SA_RESTART   0x10000000
#define SA_NODEFER   0x40000000
#define SA_RESETHAND 0x80000000

#define SI_USER	  0
#define SI_KERNEL 0x80
#define SI_TKILL  (-6)

#define ILL_ILLOPN  2
#define FPE_INTDIV  1
#define FPE_FLTDIV  3
#define FPE_FLTOVF  4
#define FPE_FLTUND  5
#define FPE_FLTRES  6
#define FPE_FLTINV  7
#define SEGV_MAPERR 1
#define SEGV_ACCERR 2
#define BUS_ADRALN  1
#define BUS_ADRERR  2
#define TRAP_BRKPT  1
#define TRAP_TRACE    2
#define CLD_EXITED    1
#define CLD_KILLED    2
#define CLD_TRAPPED   4
#define CLD_STOPPED   5
#define CLD_CONTINUED 6

/* siginfo_t of the ABI: 128 bytes. */
struct siginfo {
	s32 signo, error, code, pad;
	union {
		struct {
			s32 pid;
			u32 uid;
			u64 value; /* rt_sigqueueinfo */
		} kill;
		struct {
			s32 timer_id, overrun;
			u64 value;
		} timer;
		struct {
			s32 pid;
			u32 uid;
			s32 status, pad;
			s64 utime, stime;
		} child;
		struct {
			u64 address;
		} fault;
		u8 bytes[112];
	};
};

struct sigaction { /* as in the ABI of rt_sigaction() */
	u64 handler;
	u64 flags;
	u64 restorer;
	sigset_t mask;
};

struct queued_signal {
	struct list link; /* in a queue: the entries of a number lie together, as they came */
	struct list same; /* the ring of those of its number */
	struct siginfo info;
	bool preallocated; /* belongs to a timer, which queues it again at each expiration */
	s32 last_overrun;  /* overruns of the last signal that was delivered: timer_getoverrun() */
};

/* What each thread has for itself.  Guarded by `lock` in the struct signals of its process. */
struct thread_signals {
	sigset_t mask;	     /* blocked signals */
	sigset_t saved_mask; /* put back before the return to user mode: WORK_RESTORE_MASK */
	sigset_t wait_set;   /* sigtimedwait() waits for these and takes them although blocked */
	sigset_t pending;    /* sent to this thread, not delivered yet */
	struct list queue;   /* struct queued_signal.link: the siginfo of signals in `pending` */
	struct list target_link; /* in signals.targets, or empty */
	u32 stop_generation; /* of the last stop of the process in which this thread was counted */
	u32 job_turn; /* signals.job_turn when signals of SIGNAL_JOB_SET came; else they are void */
	struct altstack {
		u64 base, size; /* size 0: none */
		u32 flags;	/* SS_* */
	} altstack;		/* sigaltstack() */
};

/* What to do at each signal.  clone(CLONE_SIGHAND) shares it between processes. */
struct signal_actions {
	struct refcount refs;
	struct spinlock lock; /* irq; taken under the lock of struct signals */
	sigset_t set;	      /* signals whose entry was ever written; the others are zeros */
	/* [signal - 1].  Without the flags, so that a table takes half a frame and no whole one. */
	struct {
		u64 handler, restorer;
		sigset_t mask;
	} of[SIGNAL_COUNT];
	u32 flags[SIGNAL_COUNT];
};

/* What the threads of a process share. */
struct signals {
	struct spinlock lock; /* irq; guards this structure and the thread_signals of each thread */
	struct signal_actions *actions;
	sigset_t pending;  /* sent to the process: any thread may take them */
	struct list queue; /* as in struct thread_signals */
	struct queued_signal first; /* if it is in no list, the next entry: most processes never
				     * have two signals queued, and need no memory for one */
	struct list targets; /* threads (target_link) that may have signals in their `pending` */
	u32 job_turn; /* counts how often SIGCONT came after a stop signal, or the reverse; odd: the
		       * last was SIGCONT */
	u32 group_signals; /* counts signals that were sent to the whole process group or to all
			    * processes: fork() compares it, so that no child misses one */
	int parent_death;  /* the signal that this process gets when its parent ends; 0: none */
};

/* stack_t of the ABI. */
struct signal_stack {
	u64 base;
	s32 flags;
	u32 pad;
	u64 size;
};

#define SS_ONSTACK    1
#define SS_DISABLE    2
#define SS_AUTODISARM (1U << 31)
#define MINSIGSTKSZ   2048

/* Send a signal to a process (any of its threads may take it), to one thread, or to all members of
 * a process group.  `info` NULL means a code of SI_KERNEL.  Returns 0, -EAGAIN (the queue is full
 * and the signal must not be lost) or -ESRCH (no such group).  The first two may be called in any
 * context. */
int signal_send_process(struct process *p, int signal, const struct siginfo *info);
int signal_send_thread(struct thread *t, int signal, const struct siginfo *info);
int signal_send_group(pid_t group, int signal, const struct siginfo *info);

/* Send a signal that goes to many processes to one of them.  fork() compares group_signals, so that a
 * child that is just being made does not miss the signal (fork.c), and each member may refuse it. */
int signal_send_member(struct process *p, int signal, const struct siginfo *info);

/* Send SIGPIPE or SIGXFSZ to the calling thread, whose system call also returns an error. */
void signal_send_self(int signal);

/* Send the calling thread a signal that its own instruction caused.  If the thread blocks or
 * ignores the signal, or has no handler for it, the signal kills the process. */
void signal_force(int signal, const struct siginfo *info);

/* The same with si_code and si_addr. */
void signal_force_fault(int signal, int code, u64 address);

/* Deliver pending signals to the calling thread, which is about to return to user mode by `frame`:
 * run a handler (`frame` then leads to it), stop, or end the thread.  Also decides whether an
 * interrupted system call restarts or returns -EINTR.  Called by entry_exit_work() while
 * pending_work is not 0.  Interrupts are on.  Sleeps. */
void signal_work(struct trap_frame *frame);

/* rt_sigreturn(): restore the registers that were saved when the handler began.  Returns the value
 * for rax. */
long signal_return(struct trap_frame *frame);

/* Set the mask of the calling thread.  SIGKILL and SIGSTOP are removed from it. */
void signal_set_mask(sigset_t mask);

/* Set `mask` until the handler of the next signal has returned (sigsuspend, ppoll, pselect). */
void signal_set_temporary_mask(sigset_t mask);

/* sigaction(2) for the calling process; either pointer may be NULL.  0, -EINVAL. */
int signal_action(int signal, const struct sigaction *new_action, struct sigaction *old_action);

/* sigaltstack(2) for the calling thread; either pointer may be NULL.  0, -EPERM (`user_sp` lies on
 * the present alternate stack), -EINVAL, -ENOMEM (too small). */
int signal_altstack(const struct signal_stack *new_stack, struct signal_stack *old_stack,
		    u64 user_sp);

/* The largest size of a handler's stack frame, in bytes (AT_MINSIGSTKSZ). */
size_t signal_frame_size(void);

/* Set WORK_SIGNAL of `t` if it has something to do, after its mask or the pending signals have
 * changed.  The bit is cleared only for the calling thread: another thread may be in a system call
 * that this bit has interrupted, and must still pass signal_work().  The caller holds
 * signals.lock. */
void signal_recalculate(struct thread *t);
