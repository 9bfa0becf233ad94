/* SPDX-License-Identifier: MIT
 *
 * A process: what its threads share.  What each thread has for itself is in struct thread
 * (kernel/task/thread.h): read the two side by side.
 */
#pragma once

#include "arch/x86_64/cpu/percpu.h"
#include "kernel/lib/abi.h"
#include "kernel/lib/treap.h"
#include "kernel/task/mutex.h"
#include "kernel/task/signal.h"
#include "kernel/task/thread.h"
#include "kernel/task/use.h"

#define FD_TABLE_MAX 65536 /* RLIMIT_NOFILE cannot be raised beyond (fs.nr_open of Linux) */

struct address_space;
struct file;
struct file_table;
struct inode;
struct tty;

/* The working directory and the umask.  clone(CLONE_FS) shares them between processes. */
struct fs_context {
	struct refcount refs;
	struct mutex lock; /* guards the rest */
	struct inode *cwd; /* NULL before the boot has set it */
	u32 umask;
};

/* The process group and the session (POSIX job control).  Under process_lock. */
struct job {
	pid_t group, session;
	struct tty *tty; /* controlling terminal, or NULL */
};

/* The trees in which a process stands until it is reaped.  In the last two the members of a group or
 * a session stand side by side, by PID. */
enum process_tree { BY_PID, BY_GROUP, BY_SESSION, PROCESS_TREES };

/* exec().  `lock` serializes the execs of the process's threads; the rest is under process_lock,
 * `thread` also under signals.lock. */
struct exec_state {
	struct mutex lock;
	struct thread *thread;	/* in exec: all other threads are to end; NULL: none */
	struct wait_queue wait; /* exec waits here until the other threads have ended, and a vfork()
				 * parent until the child has left the parent's address space */
	bool has_left_space;	/* the child has left it, by exec or exit */
	bool done;		/* has called exec once: setpgid() by the parent is EACCES */
};

/* Stopping by a signal and continuing.  Under signals.lock. */
struct stop_state {
	bool stopped;  /* by a stop signal */
	bool dequeued; /* A thread has taken a stop signal from the queue and not stopped the
			* process yet.  SIGCONT clears this, and the stop does not happen. */
	bool reported; /* wait() has returned this stop already */
	bool continue_pending; /* continued, and wait() has not returned that yet */
	bool continue_notify;  /* from SIGCONT until a thread that runs again has notified the
				* parent */
	int signal;	       /* the signal that stopped the process */
	u32 generation;	     /* number of stops so far: a thread compares it to know whether it was
			      * already counted as stopped in this one */
	u32 threads_to_stop; /* live threads that have not stopped yet */
};

/* getrlimit(2).  `lock` also guards the timers of the process. */
struct limits {
	struct spinlock lock; /* irq */
	struct rlimit value[RLIMIT_COUNT];
};

struct process {
	/* Fixed once the process is in the tables. */
	pid_t pid;	/* 0: the kernel's own process, which all kernel threads belong to */
	u64 started_ns; /* clock at creation */

	struct refcount refs; /* docs/rooms/task.md lists who holds references */

	/* The family, and its end.  Under process_lock. */
	struct process *parent;
	struct list children, sibling_link; /* `children` links their sibling_link */
	struct treap_node nodes[PROCESS_TREES];
	struct job job;
	struct wait_queue child_wait; /* threads of this process wait here for its children */
	u32 child_events; /* counts what children have to report, and children that were reaped */
	bool zombie;		/* all threads have ended; the parent has not called wait() yet */
	int exit_signal;	/* sent to the parent at the end: SIGCHLD, or 0 for none */
	struct process_use use; /* times and counters, besides those of living threads */

	/* Changed under process_lock and signals.lock both, so that either suffices to read them.
	 */
	struct list threads;   /* thread.process_link; the leader stays in it until it is reaped */
	u32 thread_count;      /* threads that have not ended; its own ones read it without a lock */
	struct thread *leader; /* the thread whose TID is the PID */

	/* The program.  exec replaces the first two under exec.lock and process_lock; the exit of
	 * the last thread sets `space` to NULL under process_lock. */
	struct address_space *space;
	struct file *executable; /* for /proc/PID/exe */
	struct exec_state exec;

	/* What clone() can share with other processes, like `space` and signals.actions.  Each has
	 * a lock of its own.  The exit of the last thread sets both to NULL under process_lock. */
	struct file_table *files; /* open descriptors */
	struct fs_context *fs;

	/* Under signals.lock. */
	struct signals signals;
	struct stop_state stop;
	bool group_exiting;  /* all threads are to end, by exit_group() or a fatal signal, or have
			      * ended */
	int group_exit_code; /* wait status: an exit code << 8, or the number of the signal that
			      * ended the process */

	struct limits limits; /* it has a lock of its own */
};

extern struct spinlock process_lock;   /* irq; the family tree and the hashes */
extern struct process *kernel_process; /* PID 0 */
extern struct process *init_process;   /* PID 1 */

static inline struct process *current_process(void)
{
	return current_thread()->process;
}

/* The address space of the calling thread's process; NULL in a kernel thread, in a process that is
 * exiting, and before the scheduler runs. */
static inline struct address_space *current_space(void)
{
	struct thread *t = current_thread();

	return t ? t->process->space : NULL;
}

/* Set up process 0 and the tables.  Before sched_init(): every kernel thread belongs to process
 * 0. */
void process_init_early(void);

/* The default limits, which follow from the size of the memory.  After page_init(), before
 * vfs_init(), which creates files under these limits. */
void process_init(void);

/* The thread with this TID, or the process of that thread, with a reference; NULL if there is none.
 * A process is not freed before its threads. */
struct thread *thread_find(tid_t tid);
struct process *process_find(tid_t tid);
void process_get(struct process *p);
void process_put(struct process *p);

/* The process with the lowest PID that is at least `from`, with a reference, or NULL. */
struct process *process_next(pid_t from);

/* The current value of a limit (RLIMIT_*). */
u64 process_limit(struct process *p, u32 which);

/* The same for the calling process.  vfork() shares an address space between processes with
 * different limits, so limits are never stored in the address space. */
static inline u64 current_limit(u32 which)
{
	return process_limit(current_process(), which);
}

/* Threads of all processes that have not been unlinked yet. */
extern u32 threads_linked;
