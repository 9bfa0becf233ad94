/* SPDX-License-Identifier: MIT
 *
 * A thread: whatever it has for itself.  What the threads of a process share is in struct process
 * (kernel/task/process.h): read the two side by side.
 */
#pragma once

#include "arch/x86_64/cpu/arch_thread.h"
#include "arch/x86_64/cpu/layout.h"
#include "arch/x86_64/cpu/trap_frame.h"
#include "kernel/lib/cpumask.h"
#include "kernel/lib/list.h"
#include "kernel/sync/lockdep.h"
#include "kernel/sync/refcount.h"
#include "kernel/task/signal.h"
#include "kernel/task/timer.h"
#include "kernel/task/use.h"
#include "kernel/task/wait.h"

struct process;
struct pmap;
struct seed_member;

enum thread_state {
	THREAD_RUNNABLE, /* has a CPU, or waits in a run queue for one ("R") */
	THREAD_SLEEPING, /* until it is woken; signals wake it too ("S") */
	THREAD_BLOCKED,	 /* until it is woken; only a killing signal may wake it, and only from a
			  * sleep with WAIT_KILLABLE ("D") */
	THREAD_STOPPED,	 /* by a stop signal, until SIGCONT or SIGKILL ("T") */
	THREAD_DEAD,	 /* it has left its CPU for ever; its stack and structure are freed with the
			  * last reference ("X") */
};

/* Bits of thread.pending_work: what entry_exit_work() must do before the thread returns to user
 * mode. */
#define WORK_SIGNAL	  1U /* deliver a signal, stop, or end with the process */
#define WORK_KILLED	  2U /* the work is to die: it ends sleeps with WAIT_KILLABLE too */
#define WORK_RESTORE_MASK 4U /* put signals.saved_mask back: sigsuspend(), ppoll() */

struct thread {
	/* Fixed at creation. */
	tid_t tid;		  /* unique over all processes; 0: an idle thread */
	pid_t pid;		  /* of the process; 0: a kernel thread */
	struct process *process;  /* process 0 for kernel threads; never NULL */
	void *kernel_stack;	  /* lowest byte; KSTACK_SIZE bytes */
	bool is_user;		  /* has a user half: trap frame at the stack's top, FPU state */
	struct refcount refs;
	char name[16];		  /* at most 15 characters; prctl() and exec change it */

	struct arch_thread arch;  /* saved registers */
	struct pmap *pmap;	  /* NULL: a kernel thread, runs in whichever is loaded */

	/* Scheduling.  Under the run queue's lock of `cpu`. */
	enum thread_state state;
	struct list run_link;	  /* in the run queue while RUNNING and not on a CPU */
	u32 cpu;		  /* where it runs, or last ran */
	bool on_cpu;		  /* its stack is in use: not to be run elsewhere yet */
	bool on_queue;		  /* run_link is in a list */
	bool is_idle;
	struct seed_member *seed; /* of the seeded scheduler; NULL: never in a group (probe.h) */
	struct cpumask affinity;

	struct thread_use use; /* times and counters */

	struct thread_wait wait;  /* what it sleeps for */
	struct held_locks held;	  /* sleeping locks; debug builds */
	u32 pagefaults_disabled;  /* > 0: an access of the kernel to user memory fails instead of
				   * loading the page: see get_user_u32_nofault() */

	/* WORK_*; changed atomically by any CPU. */
	u32 pending_work;

	struct thread_signals signals;
	struct {
		u64 (*fn)(struct thread *t); /* restart_syscall(): what to go on with */
		u64 arg[4];
	} restart;

	/* Threads library.  The thread's own. */
	u64 clear_tid_address; /* user address, 0: none */

	/* In the process.  Under process_lock (kernel/proc). */
	struct list process_link; /* process->threads */
	struct list tid_link;	  /* the hash of TIDs */
	int exit_code;		  /* wait status form */
	bool exited;
};

/* The cache of structures, and TIDs; from sched_init(). */
void thread_init(void);

/* A thread in no queue and no process table, which begins in fn(arg) on a kernel stack of its own;
 * `frame_bytes` is the size of the trap frame at the stack's top (0: a kernel thread), as in
 * thread_stack_prepare().  ERR_PTR(-ENOMEM). */
struct thread *thread_create(const char *name, void (*fn)(void *arg), void *arg,
			     size_t frame_bytes);

/* The thread that the calling CPU has been running since it started, TID 0; stops the kernel where
 * there is no memory. */
struct thread *thread_create_idle(u32 cpu);

/* Make a kernel thread of process 0 and start it.  `fn` may return.  ERR_PTR(-ENOMEM). */
struct thread *kthread_create(const char *name, void (*fn)(void *arg), void *arg);

/* Kernel threads (idle ones not counted) whose memory is not given back yet. */
u32 kthread_count(void);

/* Make, but do not start, a thread for user mode: a zeroed trap frame is at its stack's top
 * (thread_frame()), FPU state as a program starts with.  It goes to user mode by that frame when
 * first run, after fn(arg) if fn is not NULL.  ERR_PTR(-ENOMEM).  The caller fills process, pmap,
 * tid and whatever else, then calls thread_start(). */
struct thread *thread_create_user(const char *name, void (*fn)(void *arg), void *arg);

/* Put a created thread into a run queue of a CPU that its affinity allows. */
void thread_start(struct thread *t);

/* The frame by which the thread entered the kernel from user mode. */
static inline struct trap_frame *thread_frame(struct thread *t)
{
	return (struct trap_frame *)((char *)t->kernel_stack + KSTACK_SIZE -
				     sizeof(struct trap_frame));
}

/* References: a thread's structure and stack go when the last is put, and not before another
 * thread runs on the CPU that it left.  The running thread itself counts as one. */
void thread_get(struct thread *t);
void thread_put(struct thread *t);

/* The calling thread ends here, and gives up its own reference; the rest of the leaving (process,
 * signals) was done by kernel/proc. */
void thread_exit_final(void) noreturn;

/* Threads' names are read without a lock. */
void thread_set_name(struct thread *t, const char *name);

/* A new TID: the next free number after the last one given, from 1 to TID_MAX - 1; -EAGAIN where
 * none is free.  1 is never given: it is init's.  A number that still names a process, group or session must not be freed yet. */
#define TID_MAX 4194304
tid_t tid_alloc(void);
void tid_free(tid_t tid); /* any context */
tid_t tid_last(void);	  /* the last one given */

/* Wake it out of a sleep that signals may end, or kick it out of user mode on another CPU, so that
 * it looks at `work` soon. */
void thread_notify(struct thread *t, u32 work_bits);

/* Is there a signal (or with WAIT_KILLABLE a killing one) that should end the caller's sleep? */
bool thread_interrupted(u32 wait_flags);

/* What it has used, up to now if it is running. */
void thread_times(struct thread *t, u64 *user_ns, u64 *kernel_ns);

/* A letter as in /proc/PID/stat. */
char thread_state_letter(const struct thread *t);
