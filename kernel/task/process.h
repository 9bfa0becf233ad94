/* SPDX-License-Identifier: MIT
 *
 * A process: whatever its threads share.  What each thread has for itself is in struct thread
 * (kernel/task/thread.h): read the two side by side.
 */
#pragma once

#include "arch/x86_64/cpu/percpu.h"
#include "kernel/lib/abi.h"
#include "kernel/lib/treap.h"
#include "kernel/task/itimer.h"
#include "kernel/task/mutex.h"
#include "kernel/task/signal.h"
#include "kernel/task/thread.h"
#include "kernel/task/use.h"

#define FD_TABLE_MAX 4096 /* descriptors of one process at most: the hard limit of RLIMIT_NOFILE */

struct address_space;
struct file;
struct file_table;
struct inode;
struct tty;

/* The working directory and the umask of a process. */
struct fs_context {
	struct mutex lock; /* guards all below */
	struct inode *cwd; /* NULL before the boot has set it, and when the process is exiting */
	u32 umask;
};

struct process {
	/* Fixed at creation. */
	pid_t pid;		    /* 0: the kernel's own */
	struct refcount refs;
	u64 started_ns;
	int exit_signal;	    /* to the parent; SIGCHLD, or 0 */

	/* The family.  Under process_lock. */
	struct process *parent;
	struct list children, sibling_link;
	struct treap_node pid_node;    /* the tree of PIDs, until it is reaped */
	pid_t group, session;
	struct list group_link, session_link; /* hashes by those numbers */
	struct tty *tty;	    /* controlling terminal, or NULL */
	struct list threads;	    /* thread.process_link; changed under signals.lock too */
	u32 thread_count;	    /* not yet exited; likewise */
	struct thread *leader;	    /* in the list until the process is reaped; likewise */
	struct wait_queue child_wait; /* parents wait here for their children */
	bool zombie;		    /* no thread lives; waits to be waited for */
	bool did_exec;		    /* setpgid() of a child after exec is EACCES */
	int exit_code;		    /* wait status form */
	struct process_use use;

	/* The address space.  Changed by exec alone, under `exec_lock` and process_lock. */
	struct address_space *space;
	struct file *executable;    /* /proc/PID/exe */
	struct mutex exec_lock;
	struct wait_queue exec_wait; /* exec waits until the other threads have ended, vfork() of the
				      * parent until the child has left the parent's space */
	bool has_left_space;	    /* by exec or exit */

	/* Each has a lock of its own. */
	struct file_table *files;
	struct fs_context fs;

	struct signals signals;

	/* Stopping and ending.  Under signals.lock. */
	bool group_exiting;	    /* exit_group() or a fatal signal: all threads are to end */
	int group_exit_code;	    /* wait status form */
	bool stopped;		    /* by a stop signal */
	bool stop_dequeued;	    /* a stop signal was taken and no SIGCONT has come since */
	bool stop_reported, continue_pending; /* for wait(): stop seen, continuing not yet seen */
	bool continue_notify;	    /* the first thread that runs tells the parent */
	int stop_signal;
	u32 stop_generation;	    /* counts stops */
	u32 threads_to_stop;	    /* live ones that have not arrived at the stop yet */
	struct thread *exec_thread; /* in exec: all others are to end */

	/* Limits, ids, timers.  Under limits_lock (irq). */
	struct spinlock limits_lock;
	struct rlimit limits[RLIMIT_COUNT];
	u32 uid, euid, suid, gid, egid, sgid;
	struct repeating_timer itimer_real;
	struct list posix_timers;
	int next_timer_id, timer_count;
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

/* Set up process 0 and the tables.  Before sched_init(): every kernel thread belongs to process 0. */
void process_init_early(void);

/* The default limits, which follow from the size of the memory.  After page_init(), before vfs_init(),
 * which creates files under these limits. */
void process_init(void);

/* By number; with a reference, or NULL.  A thread's by TID (its process lives as long as it). */
struct process *process_find(pid_t pid);
struct thread *thread_find(tid_t tid);
void process_get(struct process *p);
void process_put(struct process *p);

/* The process with the lowest PID >= from, with a reference, or NULL. */
struct process *process_next(pid_t from);

/* The current value of a limit (RLIMIT_*). */
u64 process_limit(struct process *p, u32 which);

/* The same for the calling process.  vfork() shares an address space between processes with different
 * limits, so limits are never stored in the address space. */
static inline u64 current_limit(u32 which)
{
	return process_limit(current_process(), which);
}

/* Threads of all processes that have not been unlinked yet. */
u32 threads_total(void);
