/* SPDX-License-Identifier: MIT
 *
 * Between the files of kernel/proc.
 */
#pragma once

#include "kernel/task/process.h"
#include "kernel/task/signal.h"

/* --- process.c -------------------------------------------------------------------------------- */

/* A process that inherits what does not depend on clone's flags (limits, ids, group, session,
 * terminal, directory, signal actions); in no table, no thread, no space, no files yet.  NULL: no
 * memory.  Sleeps. */
struct process *process_create(struct process *parent);

/* Into the tables and the family, with its first thread.  process_lock is held. */
void process_link(struct process *p, struct process *parent);

/* Out of them, with its leader; its numbers are free where nobody else uses them.  process_lock is
 * held. */
void process_unlink(struct process *p);

/* A thread into a process and the hash of TIDs, or out of both.  process_lock and signal_lock are
 * held. */
void thread_link(struct thread *t, struct process *p);
void thread_unlink(struct thread *t);

/* Another TID.  process_lock is held. */
void thread_renumber(struct thread *t, tid_t tid);

/* process_lock is held. */
struct process *process_lookup(pid_t pid);
bool process_group_orphaned_locked(pid_t group, const struct process *ignoring);

/* Some member of a group (in `session`, where that is not 0), or NULL.  process_lock is held. */
struct process *process_group_member(pid_t group, pid_t session);

/* Free a number, unless a process, group or session goes by it still.  process_lock is held. */
void process_number_release(pid_t number);

/* Members of a group or session, and of others.  process_lock is held. */
struct list *process_group_bucket(pid_t group);
struct list *process_session_bucket(pid_t session);

extern u32 thread_limit; /* threads that the machine's memory carries */

/* --- group.c ---------------------------------------------------------------------------------- */

void process_tty_init(void); /* the terminals' hooks */

/* Everyone in the session has `tty` from now on, where they had `old` (NULL: any). */
void process_session_set_tty(pid_t session, struct tty *old, struct tty *tty);

/* --- seed.c ----------------------------------------------------------------------------------- */

void process_seed_init(void);		      /* /proc/PID/sched_seed */
void process_seed_first(struct thread *t); /* init's, before it starts: sched_seed= */

/* --- use.c ------------------------------------------------------------------------------------ */

/* Of one process, without its children.  process_lock is held. */
void process_own_use(struct process *p, struct resource_use *use);
void resource_use_add(struct resource_use *sum, const struct resource_use *use);

/* --- signal.c --------------------------------------------------------------------------------- */

#define SIGNAL_STOP_SET                                                                            \
	(SIGNAL_BIT(SIGSTOP) | SIGNAL_BIT(SIGTSTP) | SIGNAL_BIT(SIGTTIN) | SIGNAL_BIT(SIGTTOU))
#define SIGNAL_IGNORE_SET                                                                          \
	(SIGNAL_BIT(SIGCHLD) | SIGNAL_BIT(SIGCONT) | SIGNAL_BIT(SIGURG) | SIGNAL_BIT(SIGWINCH))
#define SIGNAL_UNBLOCKABLE (SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP))

/* Handlers become SIG_DFL, what is ignored stays so.  signal_lock is held. */
void signal_actions_reset(struct process *p);

/* signal_lock is not held. */
struct sigaction signal_action_of(struct process *p, int signal);

/* The functions below want the process's signal_lock. */

/* Is the thread to end (with its process, or because another one execs)? */
bool signal_dying(const struct thread *t);

/* Make all threads end, the process with `wait_status`, unless that was decided before.  `exiting`,
 * the caller of exit_group() or NULL, is not notified: it ends by itself. */
void signal_group_exit(struct process *p, int wait_status, const struct thread *exiting);

/* All but `survivor` are to end. */
void signal_exec_kill(struct process *p, struct thread *survivor);

/* Take a pending signal that is in `set` for the calling thread; 0: none. */
int signal_take(sigset_t set, struct siginfo *info);

/* Drop what is pending and in `set`, for the process and all its threads. */
void signal_discard(struct process *p, sigset_t set);

/* Other threads look at what is pending for the whole process. */
void signal_retarget(struct process *p);

/* A timer's signal: queue `entry` or, where it is queued already, count `count` overruns in it. */
void signal_send_timer(struct process *p, struct thread *only, struct queued_signal *entry,
		       u32 count);

/* Take it off its queue. */
void signal_cancel_timer(struct process *p, struct queued_signal *entry);

/* Free the entries of a queue of `p`. */
void signal_flush_queue(struct process *p, struct list *queue);

/* Tell the parent of a stop or of going on, by SIGCHLD and by waking its waits; or of the end: true
 * where it does not want to wait, so reap at once.  process_lock is held (signal_lock not). */
void signal_notify_change(struct process *p, int code, int signal);
bool signal_notify_end(struct process *p);

/* CLD_* and si_status of a wait status. */
int wait_status_code(int wait_status, int *status);

/* --- signal_frame.c --------------------------------------------------------------------------- */

/* Let `f` lead into the handler, with what it returns to on the user's stack: registers, FPU state,
 * and `mask`.  -EFAULT: no room, or no handler to go to.  No lock is held; sleeps. */
int signal_frame_build(struct trap_frame *f, int signal, const struct sigaction *action,
		       const struct siginfo *info, sigset_t mask);

/* --- exit.c, wait.c --------------------------------------------------------------------------- */

/* Give back what a zombie still has.  No lock held; the process is out of the tables. */
void process_reap(struct process *p);

/* The robust list and the word of CLONE_CHILD_CLEARTID, before the thread's memory goes. */
void thread_release_user_words(struct thread *t);

/* --- elf.c ------------------------------------------------------------------------------------ */

struct elf_image {
	u64 entry;	   /* where to start: the interpreter's, if there is one */
	u64 program_entry; /* AT_ENTRY */
	u64 base;	   /* AT_BASE: the interpreter's load address */
	u64 headers;	   /* AT_PHDR, 0: not in memory */
	u32 header_count;
	bool executable_stack;
};

/* Map the program (and its interpreter) into an empty address space.  -ENOEXEC and others; the
 * space is then to be thrown away.  Sleeps. */
int elf_load(struct address_space *as, struct file *file, struct elf_image *image);
