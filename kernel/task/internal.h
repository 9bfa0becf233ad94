/* SPDX-License-Identifier: MIT
 *
 * Shared by the files of kernel/task and kernel/proc that work on the tables of processes and on
 * signals.
 */
#pragma once

#include "kernel/task/group.h"
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

/* A thread into a process and the hash of TIDs, or out of both.  process_lock and signals.lock are
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

/* All memory of a thread except its structure has been freed: drop its reference to the process. */
void process_thread_freed(struct thread *t);

/* A thread has left the tables, but its memory is not free yet. */
void process_thread_unlinked(void);
u32 process_threads_left(void); /* how many such threads there are */

void process_tables_init(void);

/* Free a number, unless a process, group or session goes by it still.  process_lock is held. */
void process_number_release(pid_t number);

/* Members of a group or session, and of others.  process_lock is held. */
struct list *process_group_bucket(pid_t group);
struct list *process_session_bucket(pid_t session);

extern u32 thread_limit; /* threads that the machine's memory carries */

/* --- signal.c --------------------------------------------------------------------------------- */

#define SIGNAL_STOP_SET                                                                            \
	(SIGNAL_BIT(SIGSTOP) | SIGNAL_BIT(SIGTSTP) | SIGNAL_BIT(SIGTTIN) | SIGNAL_BIT(SIGTTOU))
#define SIGNAL_IGNORE_SET                                                                          \
	(SIGNAL_BIT(SIGCHLD) | SIGNAL_BIT(SIGCONT) | SIGNAL_BIT(SIGURG) | SIGNAL_BIT(SIGWINCH))
#define SIGNAL_UNBLOCKABLE (SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP))

/* Handlers become SIG_DFL, what is ignored stays so.  signals.lock is held. */
void signal_actions_reset(struct process *p);

/* signals.lock is not held. */
struct sigaction signal_action_of(struct process *p, int signal);

/* The functions below want the process's signals.lock. */

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

/* Remove the entries of the signals in `set` from a queue of `p`, and their bits from *pending. */
void signal_queue_discard(struct process *p, struct list *queue, sigset_t *pending, sigset_t set);

/* Remove one entry of a queue of `p` and free it, unless it belongs to a timer. */
void signal_entry_free(struct process *p, struct queued_signal *entry);

/* Free the entries of a queue of `p`. */
void signal_flush_queue(struct process *p, struct list *queue);

/* Tell the parent of a stop or of going on, by SIGCHLD and by waking its waits; or of the end: true
 * where it does not want to wait, so reap at once.  process_lock is held (signals.lock not). */
void signal_notify_change(struct process *p, int code, int signal);
bool signal_notify_end(struct process *p);

/* CLD_* and si_status of a wait status. */
int wait_status_code(int wait_status, int *status);
