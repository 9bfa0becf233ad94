/* SPDX-License-Identifier: MIT
 *
 * Signals: POSIX 2.4, signal(7), and the frame of the x86-64 ABI.
 */
#pragma once

#include "kernel/lib/list.h"
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
#define SI_TIMER  (-2)
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
#define TRAP_TRACE  2
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

struct sigaction { /* as the kernel ABI has it */
	u64 handler;
	u64 flags;
	u64 restorer;
	sigset_t mask;
};

struct queued_signal {
	struct list link;
	struct siginfo info;
	bool preallocated; /* a timer's own: queued again and again, counting overruns */
	s32 last_overrun;  /* of the delivery last made */
};

/* A thread's own part.  Under the lock of its process's struct signals. */
struct thread_signals {
	sigset_t mask;	     /* blocked signals */
	sigset_t saved_mask; /* put back before the return to user mode: WORK_RESTORE_MASK */
	sigset_t wait_set;   /* sigtimedwait() waits for these and takes them although blocked */
	sigset_t pending;    /* sent to this thread, not delivered yet */
	struct list queue;   /* struct queued_signal.link: what is known of those in `pending` */
	struct altstack {
		u64 base, size; /* size 0: none */
		u32 flags;	/* SS_* */
	} altstack;		/* sigaltstack() */
};

/* What the threads of a process share. */
struct signals {
	struct spinlock lock; /* irq; guards all of this and the threads' own parts */
	struct sigaction actions[SIGNAL_COUNT]; /* [signal - 1] */
	sigset_t pending;			/* sent to the process: any thread may take them */
	struct list queue;			/* as in struct thread_signals */
	u32 queued;	   /* entries in the queues of the process and of its threads */
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

/* To a process (any of its threads takes it), to one thread, to a process group.  `info` may be
 * NULL (SI_KERNEL).  0, -EAGAIN (queue full, real-time signals).  Any context. */
int signal_send_process(struct process *p, int signal, const struct siginfo *info);
int signal_send_thread(struct thread *t, int signal, const struct siginfo *info);
int signal_send_group(pid_t group, int signal, const struct siginfo *info); /* -ESRCH */

/* SIGPIPE and SIGXFSZ, which come with an error: to the calling thread, from its own process. */
void signal_send_self(int signal);

/* A fault of the calling thread: delivered to it even where blocked or ignored (by killing). */
void signal_force(int signal, const struct siginfo *info);
void signal_force_fault(int signal, int code, u64 address);

/* kill() as a whole: pid > 0, 0, -1, < -1. */
int signal_kill(pid_t pid, int signal, const struct siginfo *info);

/* On the way to user mode while thread->pending_work is not 0; interrupts on.  Delivers one
 * or more signals into `frame`, stops, or ends the thread; turns interrupted system calls into
 * restarts or EINTR. */
void signal_work(struct trap_frame *frame);

/* rt_sigreturn(): the frame as the handler left it.  The value for rax. */
long signal_return(struct trap_frame *frame);

/* The calling thread's mask; SIGKILL and SIGSTOP stay out. */
void signal_set_mask(sigset_t mask);

/* sigsuspend, ppoll, pselect: set `mask` until the signal's handler has returned. */
void signal_set_temporary_mask(sigset_t mask);

int signal_action(int signal, const struct sigaction *new_action, struct sigaction *old_action);

/* Does the calling thread block `signal`, or does its process ignore it? */
bool signal_is_refused(int signal);

/* Signals pending for the caller and blocked. */
sigset_t signal_pending_set(void);

/* sigtimedwait(): the signal taken, -EAGAIN, -EINTR. */
int signal_wait(sigset_t set, struct siginfo *info, u64 deadline_ns);

/* sigaltstack(): either may be NULL.  -EPERM (in use at `user_sp`), -EINVAL, -ENOMEM. */
int signal_altstack(const struct signal_stack *new_stack, struct signal_stack *old_stack,
		    u64 user_sp);

/* Bytes that the frame of a handler takes at most (AT_MINSIGSTKSZ). */
size_t signal_frame_size(void);

/* With the thread's mask or what is pending changed, does it have work?  Only the calling thread's
 * own bit is ever taken back, since its interrupted system call must still come by.  Under
 * signals.lock. */
void signal_recalculate(struct thread *t);
