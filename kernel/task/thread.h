/* SPDX-License-Identifier: MIT
 *
 * A thread: what it has for itself.  What the threads of a process share is in struct process
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

/* How a thread gets the CPU the next time, and for how long (virtual round robin). */
enum turn {
	TURN_NEW,   /* from the back of the ready queue, for a whole slice */
	TURN_REST,  /* from its front, for the rest of its slice: a woken thread preempted it */
	TURN_WOKEN, /* from the woken queue, for the rest of its slice: it slept before the end */
};

/* Bits of thread.pending_work: what entry_exit_work() must do before the thread returns to user
 * mode. */
#define WORK_SIGNAL	  1U /* deliver a signal, stop, or end with the process */
#define WORK_KILLED	  2U /* the work is to die: it ends sleeps with WAIT_KILLABLE too */
#define WORK_RESTORE_MASK 4U /* put signals.saved_mask back: sigsuspend(), ppoll() */
/* Bits from 8 on belong to extensions: probe.h. */
#define WORK_NEW_FRAME	  1024U /* no work, but the trap frame is not that of the system call any
				 * more, so the call must return by syscall_leave() */

/* Real, effective and saved ids of the user and the group, and the ids for files (credentials(7)).
 * The C library gives all threads of a process the same.  Only the thread itself changes them; others
 * read one of them by READ_ONCE(). */
struct credentials {
	u32 uid, euid, suid, fsuid, gid, egid, sgid, fsgid;
};

struct thread {
	/* Who it is.  Set at creation; exec may change `tid` under process_lock (the thread that
	 * execs takes the leader's), and prctl() and exec change `name`, which is read without a
	 * lock. */
	tid_t tid;		 /* unique over all processes; 0: an idle thread */
	pid_t pid;		 /* its process's PID; 0: a kernel thread */
	struct process *process; /* never NULL: kernel threads belong to process 0 */
	void *kernel_stack;	 /* lowest byte of KSTACK_SIZE bytes */
	bool is_user;		 /* runs a program: has a trap frame and FPU state */
	char name[16];		 /* ends with a null byte */

	struct refcount refs; /* docs/rooms/task.md lists who holds references */

	/* The state of the processor, saved while the thread does not run. */
	struct arch_thread arch;
	struct pmap *pmap; /* page tables of its address space; NULL: a kernel thread, which runs on
			    * the tables that are loaded already */

	/* Scheduling.  Under the lock of the run queue of `cpu`; but the thread itself sets its own
	 * `state` without that lock, so wakers change `state` by compare and exchange. */
	enum thread_state state;
	struct list run_link;	 /* in that run queue while runnable without a CPU */
	u32 cpu;		 /* the CPU that it runs on, waits for, or ran on last */
	bool on_cpu;		 /* a CPU uses its kernel stack, so no other CPU may run it yet */
	bool on_queue;		 /* run_link is in a list */
	bool is_idle;		 /* runs if its CPU has nothing else to do; never in a queue */
	u8 turn;		 /* enum turn */
	u64 slice_left_ns;	 /* unless TURN_NEW: the rest of its slice */
	struct cpumask affinity; /* CPUs that it may run on: sched_setaffinity(2) */
	struct seed_member *seed; /* of the seeded scheduler (docs/seed.md); NULL: none */

	struct thread_use use; /* times and counters */

	/* Sleeping and page faults.  Written by the thread itself. */
	struct thread_wait wait;
	struct held_locks held;	 /* mutexes and rwlocks that it holds; recorded in debug builds */
	u32 pagefaults_disabled; /* > 0: an access of the kernel to user memory fails instead of
				  * loading the page: see get_user_u32_nofault() */

	u32 pending_work; /* WORK_*; set atomically by any CPU */

	/* Signals, and how an interrupted system call goes on. */
	struct thread_signals signals;
	struct {
		u64 (*fn)(struct thread *t); /* continues it, from restart_syscall(2) */
		u64 arg[4];		     /* for fn, such as the deadline of a sleep */
	} restart;

	struct credentials credentials; /* read by other threads without a lock */
	u64 clear_tid_address; /* user word to clear and wake when the thread ends; 0: none */

	/* Membership in its process.  Under process_lock, and process_link also under signals.lock.
	 */
	struct list process_link; /* process->threads */
	struct list tid_link;	  /* hash of TIDs */
	bool exited;		  /* ended; counted in use.ended_threads of its process */
};

/* Create the slab cache of threads.  sched_init() calls it. */
void thread_init(void);

/* Make a thread that is in no queue and in no table.  It begins in fn(arg) on a new kernel stack.
 * `frame_bytes` is the size of the trap frame at the top of the stack, or 0 for a kernel thread, as
 * in thread_stack_prepare().  ERR_PTR(-ENOMEM). */
struct thread *thread_create(const char *name, void (*fn)(void *arg), void *arg,
			     size_t frame_bytes);

/* Make the structure of the thread that the calling CPU has been running since it started: its idle
 * thread, TID 0.  Panics if there is no memory. */
struct thread *thread_create_idle(u32 cpu);

/* Make a kernel thread of process 0 and start it; it ends when `fn` returns.  ERR_PTR(-ENOMEM). */
struct thread *kthread_create(const char *name, void (*fn)(void *arg), void *arg);

/* The number of kernel threads (without idle threads) whose memory has not been freed yet;
 * atomic. */
extern u32 kthread_count;

/* Make, but do not start, a thread for user mode, with a place for a trap frame at the top of its stack
 * (thread_frame()) and the FPU state with which a program starts.  When it first runs, it calls
 * fn(arg) if fn is not NULL, and goes to user mode by that frame.  The caller fills in the frame,
 * process, pmap, tid and the rest, and then calls thread_start().  ERR_PTR(-ENOMEM). */
struct thread *thread_create_user(const char *name, void (*fn)(void *arg), void *arg);

/* Put a created thread into a run queue of a CPU that its affinity allows. */
void thread_start(struct thread *t);

/* The frame by which the thread entered the kernel from user mode. */
static inline struct trap_frame *thread_frame(struct thread *t)
{
	return (struct trap_frame *)((char *)t->kernel_stack + KSTACK_SIZE -
				     sizeof(struct trap_frame));
}

/* Take and drop a reference.  Structure and stack are freed when the last reference is dropped; the
 * running thread counts as one, which finish_switch() drops once another thread runs on the CPU. */
void thread_get(struct thread *t);
void thread_put(struct thread *t);

/* End the calling thread: the last step, after kernel/proc has taken it out of its process.  The
 * next thread drops its reference. */
void thread_exit_final(void) noreturn;

/* `name` is cut to 15 characters.  Readers take no lock, so they may see half of a new name. */
void thread_set_name(struct thread *t, const char *name);

/* Allocate a TID: the next free number after the last one allocated, from 1 to TID_MAX - 1; -EAGAIN
 * if none is free.  1 is reserved for init.  Free a number only when no process, process group or
 * session is named by it any more. */
#define TID_MAX 4194304
tid_t tid_alloc(void);
void tid_free(tid_t tid); /* any context */
extern u32 tid_last;	  /* the last one allocated */

/* Set bits of pending_work (WORK_*) and make the thread look at them soon: wake it from a sleep
 * that signals may end, or interrupt it if it is in user mode on another CPU.  Any context. */
void thread_notify(struct thread *t, u32 work_bits);

/* Has the calling thread pending work that ends a sleep with these flags (WAIT_*)? */
bool thread_interrupted(u32 wait_flags);

/* CPU time in user mode and in the kernel, up to now. */
void thread_times(struct thread *t, u64 *user_ns, u64 *kernel_ns);
