/* SPDX-License-Identifier: MIT
 *
 * ptrace(2): what is kept of each thread, and what the files of this folder share.
 *
 * The tracer is a thread, and so is each tracee.  A tracee that stops sleeps in ptrace_stop() until
 * its tracer resumes it.  Only SIGKILL ends this sleep otherwise.
 */
#pragma once

#include "kernel/task/per_thread.h"
#include "kernel/task/probe.h"

#define PTRACE_O_TRACESYSGOOD 1U
#define PTRACE_O_EXITKILL     0x100000U
#define PTRACE_O_MASK	      0x1000ffU

/* ptrace.message at a stop of a system call (PTRACE_GETEVENTMSG). */
#define MESSAGE_CALL_ENTRY 1
#define MESSAGE_CALL_EXIT  2

/* The two bits of WORK_TRAP. */
#define WORK_PTRACE_TRAP   8U  /* PTRACE_INTERRUPT, a group stop */
#define WORK_PTRACE_NOTIFY 16U /* stop to tell the tracer that a group stop has ended */

#define DEBUG_REGISTERS	   8

struct process;

enum {
	PTRACE_EVENT_FORK = 1,
	PTRACE_EVENT_VFORK,
	PTRACE_EVENT_CLONE,
	PTRACE_EVENT_EXEC,
	PTRACE_EVENT_VFORK_DONE,
	PTRACE_EVENT_EXIT,
	PTRACE_EVENT_STOP = 128
};

struct ptrace {
	/* As a tracer, under process_lock. */
	struct list tracees; /* link; not initialized before the first tracee */
	bool leaves;	     /* the thread ends and will trace no others */

	/* As a tracee, under process_lock.  The tracer's list holds a reference to the thread. */
	struct list link;
	struct thread *tracer; /* NULL: none */
	bool by_parent;	       /* the tracer is a thread of the parent process */
	bool seized;	       /* by PTRACE_SEIZE */
	u32 options;	       /* PTRACE_O_* */
	bool stopped;	       /* in ptrace_stop(), and not resumed yet */
	bool listening;	       /* stopped, but PTRACE_LISTEN: a group stop's end ends this stop */
	bool ended;	       /* not the leader, and it has ended: kept for the tracer's wait() */
	int code;	       /* in a stop: what wait() reports, 0 after that; then the signal with
				* which the tracer resumes the thread.  After its end: its wait
				* status */
	u64 message;	       /* PTRACE_GETEVENTMSG */
	struct siginfo *info;  /* in a stop: that of the signal; NULL in a group stop */
	bool calls;	       /* resumed by PTRACE_SYSCALL */
	bool step;	       /* resumed by PTRACE_SINGLESTEP */
	struct wait_queue queue; /* the tracee sleeps here */

	/* Written by the thread itself, or by its tracer while it holds the thread. */
	bool step_flag;		    /* TF in the trap frame was set for PTRACE_SINGLESTEP */
	u64 debug[DEBUG_REGISTERS]; /* DR0 to DR7.  DR6 has a set bit for each cause */
	u64 skipped_result;	    /* of a system call, if the tracer skips it */
	int noted_event; /* PTRACE_EVENT_* to report at the end of the call, with this TID */
	tid_t noted_tid;
	tid_t tid;   /* before execve() */
	tid_t maker; /* the thread that created this one, for PTRACE_TRACEME */
};

DECLARE_PER_THREAD(struct ptrace, ptrace_state);
extern struct thread *ptrace_leader; /* per process: its leader, if that is traced */
extern u32 ptrace_tracees;	      /* per process: how many its threads trace */

static inline struct ptrace *ptrace_of(const struct thread *t)
{
	return per_thread((struct thread *)t, ptrace_state);
}

/* The thread whose state this is. */
static inline struct thread *ptrace_thread(struct ptrace *s)
{
	return (struct thread *)((char *)s - (uintptr_t)&ptrace_state) - 1;
}

static inline bool is_killed(const struct thread *t)
{
	return __atomic_load_n(&t->pending_work, __ATOMIC_SEQ_CST) & WORK_KILLED;
}

/* --- Becoming a tracer (ptrace.c) ------------------------------------------------------------- */

/* PTRACE_TRACEME and PTRACE_ATTACH or, with `seize`, PTRACE_SEIZE.  0, -EPERM. */
long ptrace_trace_me(void);
long ptrace_attach(struct thread *t, bool seize, u32 options);

/* The caller of the next three functions holds process_lock. */

/* Make `tracer`, unless it is NULL, the tracer of `t`, to which the caller has a reference. -EPERM:
 * `t` has a tracer, or has ended. */
long ptrace_relate(struct thread *t, struct thread *tracer, u32 options, bool seized);

/* End the relation.  The caller drops the reference of the tracer's list. */
void ptrace_unrelate(struct thread *t);

/* Send the tracer SIGCHLD about a stop or the end of `t` (`code` is CLD_*), and wake its wait()
 * calls. */
void ptrace_tell_tracer(struct thread *t, int code, int status);

/* Stop the calling thread for another reason than a signal.  Returns the signal with which the
 * tracer resumes it, 0 for none.  Sleeps. */
int ptrace_stop_with_notice(int code, u64 message);

/* The tracer lets the thread go on alone, or frees it if it has ended.  If *reap is set then, the
 * parent of the process does not wait for it: the caller must call process_reap().  The caller
 * holds process_lock, and drops the reference of the tracer's list. */
void ptrace_let_go(struct thread *t, struct process **reap);

/* The wait status of a tracee that has ended. */
int ptrace_end_status(const struct thread *t);

/* --- What a tracer does with its tracees (tracer.c) ------------------------------------------- */

/* Find the stopped tracee `tid` and keep it stopped, even if SIGKILL comes: until ptrace_unhold()
 * it runs nowhere, and the caller may read and write its registers.  With a reference, or
 * ERR_PTR(-ESRCH).  Sleeps. */
struct thread *ptrace_hold(tid_t tid);
void ptrace_unhold(struct thread *t);

/* Resume a stopped tracee with a signal (0: none).  0, -ESRCH. */
long ptrace_resume(struct thread *t, int signal, bool calls, bool step);
long ptrace_detach(struct thread *t, int signal);

/* PTRACE_INTERRUPT and PTRACE_LISTEN.  0, -ESRCH, -EIO. */
long ptrace_interrupt(struct thread *t);
long ptrace_listen(struct thread *t);

/* --- Registers of a thread that is held (registers.c) ----------------------------------------- */

#define USER_REGISTERS 27 /* 64-bit words of struct user_regs_struct */
enum { USER_ORIG_RAX = 15, USER_RFLAGS = 18, USER_FS_BASE = 21, USER_GS_BASE, USER_DS };

/* A word of struct user_regs_struct by its index.  Setting one: 0, -EIO (no value for it). */
u64 user_register(struct thread *t, u32 index);
int user_register_set(struct thread *t, u32 index, u64 value);

/* A debug register: 0, -EIO (there is none of this number), -EINVAL. */
int debug_register_set(struct thread *t, u32 number, u64 value);
u64 debug_register(const struct thread *t, u32 number);

/* Save all components of the FPU state of the calling thread in its area, also those that are in their
 * initial state and that XSAVEOPT would leave out. */
void fpu_registers_save(struct arch_thread *self);

/* Copy the FPU state to or from the user's `buffer`: `n` bytes of the FXSAVE area or, with
 * `extended`, of the XSAVE area.  0, -EFAULT, -EINVAL, -ENOMEM.  Sleeps. */
long fpu_registers_get(struct thread *t, u64 buffer, size_t n);
long fpu_registers_set(struct thread *t, u64 buffer, size_t n, bool extended);

/* Returns true if loading an FPU area cannot fault: header bits within XCR0, reserved bits of MXCSR
 * clear.  Clears in it the bits that Linux clears. */
bool fpu_area_sanitize(char *area);
