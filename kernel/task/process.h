/* SPDX-License-Identifier: MIT
 *
 * A process: whatever its threads share.  What each thread has for itself is in struct thread
 * (kernel/task/thread.h): read the two side by side.
 */
#pragma once

#include "kernel/fs/file_table.h"
#include "kernel/fs/vfs.h"
#include "kernel/lib/abi.h"
#include "kernel/lib/treap.h"
#include "kernel/task/itimer.h"
#include "kernel/task/signal.h"
#include "kernel/task/thread.h"
#include "kernel/vm/address_space.h"

struct tty;

/* Children's and own resource use, summed at exit and wait. */
struct resource_use {
	u64 user_ns, kernel_ns;
	u64 minor_faults;
	u64 voluntary_switches, forced_switches;
	u64 migrations, system_calls;
	u64 peak_resident_pages;
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
	struct list threads;	    /* thread.process_link; changed under signal_lock too */
	u32 thread_count;	    /* not yet exited; likewise */
	struct thread *leader;	    /* in the list until the process is reaped; likewise */
	struct wait_queue child_wait; /* parents wait here for their children */
	bool zombie;		    /* no thread lives; waits to be waited for */
	bool did_exec;		    /* setpgid() of a child after exec is EACCES */
	int exit_code;		    /* wait status form */
	struct resource_use own_dead; /* threads that have ended */
	struct resource_use children_use;

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

	/* Signals.  Under signal_lock (irq). */
	struct spinlock signal_lock;
	struct sigaction actions[SIGNAL_COUNT]; /* [signal - 1] */
	sigset_t pending;
	struct list pending_queue;
	u32 queued_signals;
	bool group_exiting;	    /* exit_group() or a fatal signal: all threads are to end */
	int group_exit_code;	    /* wait status form */
	bool stopped;		    /* by a stop signal */
	bool stop_dequeued;	    /* a stop signal was taken and no SIGCONT has come since */
	bool stop_reported, continue_pending; /* for wait(): stop seen, continuing not yet seen */
	bool continue_notify;	    /* the first thread that runs tells the parent */
	int stop_signal;
	u32 stop_generation;	    /* counts stops */
	u32 threads_to_stop;	    /* live ones that have not arrived at the stop yet */
	u32 group_signals;	    /* counts signals sent to it as one of many: see fork.c */
	struct thread *exec_thread; /* in exec: all others are to end */
	int parent_death_signal;

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

/* Kernel threads made from now on belong to process 0.  Before sched_init(). */
void process_init_early(void);

/* The hooks that lower floors want.  After vfs_init(). */
void process_init(void);

/* Make PID 1 and let it exec `path` (init=, or /init, /sbin/init, /bin/sh); stops the kernel with a
 * clear message where none can be run. */
void process_start_init(void);

/* By number; with a reference, or NULL.  A thread's by TID (its process lives as long as it). */
struct process *process_find(pid_t pid);
struct thread *thread_find(tid_t tid);
void process_get(struct process *p);
void process_put(struct process *p);

/* The process with the lowest PID >= from, with a reference, or NULL. */
struct process *process_next(pid_t from);

/* What a process has now, with a reference; NULL once it has ended. */
struct address_space *process_space_get(struct process *p);
struct file_table *process_files_get(struct process *p);

/* The current value of a limit (RLIMIT_*). */
u64 process_limit(struct process *p, u32 which);

/* --- fork.c ---------------------------------------------------------------------------------- */

/* struct clone_args of clone3(), up to cgroup. */
struct clone_args {
	u64 flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
	u64 set_tid, set_tid_size, cgroup;
};

/* All of fork, vfork, clone and clone3: the new TID (in the parent), or an error.  With CLONE_VFORK
 * waits for the child.  `stack_size` 0: `stack` is the top already. */
long process_clone(const struct clone_args *args);

/* --- exec.c ---------------------------------------------------------------------------------- */

/* Replace the calling process's image.  `argv` and `envp` are user arrays, or kernel arrays where
 * `from_kernel`.  On error the old image is whole, as nothing fails once it is touched; on success
 * 0, the caller's trap frame being the new program's. */
long process_exec(const char *path, u64 argv, u64 envp, bool from_kernel);

/* --- exit.c, wait.c -------------------------------------------------------------------------- */

/* The calling thread ends, or all threads of its process do.  Both in wait-status form: code << 8,
 * or the signal. */
void thread_exit(int wait_status) noreturn;
void process_exit_group(int wait_status) noreturn;

enum wait_id { WAIT_ID_ALL, WAIT_ID_PID, WAIT_ID_GROUP };

struct wait_result {
	pid_t pid;
	int status; /* as wait4() gives it */
	int code;   /* CLD_* */
	u32 uid;
	struct resource_use use;
};

/* 1: *result is filled; 0: WNOHANG and none; -ECHILD, -ERESTARTSYS.  Sleeps. */
int process_wait(enum wait_id type, pid_t id, u32 options, struct wait_result *result);

/* --- groups and sessions --------------------------------------------------------------------- */

int process_set_group(pid_t pid, pid_t group); /* setpgid(): -ESRCH, -EPERM, -EACCES, -EINVAL */
int process_new_session(void);		       /* setsid(): the new SID or -EPERM */
bool process_group_orphaned(pid_t group);

/* --- use of resources ------------------------------------------------------------------------ */

void process_resource_use(struct process *p, struct resource_use *use);
void thread_use(struct thread *t, struct resource_use *use); /* of one, but for the memory */
u32 thread_count(void);

/* /proc/PID files. */
void process_procfs_init(void);
