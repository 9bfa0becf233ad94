/* SPDX-License-Identifier: MIT
 *
 * Shared by the files of kernel/task and kernel/proc that work on the tables of processes and on
 * signals.
 */
#pragma once

#include "kernel/task/group.h"
#include "kernel/task/probe.h"
#include "kernel/task/process.h"
#include "kernel/task/signal.h"

/* --- process.c -------------------------------------------------------------------------------- */

/* Allocate a process that inherits its limits from `parent`.  It is in no table yet and has no
 * thread, no address space, no files and no signal actions.  Returns NULL if there is no memory.
 * Sleeps. */
struct process *process_create(struct process *parent);

/* In a walk under process_lock: at each 16th step `n`, let others have the lock and the CPU for a
 * moment.  Interrupts were on before it was taken. */
static inline void process_lock_pause(u32 n)
{
	if (n % 16 == 0) {
		spin_unlock_irq(&process_lock, RFLAGS_IF);
		(void)spin_lock_irq(&process_lock);
	}
}

extern struct lock_class fs_context_class;

/* Insert `p` into the three trees and the children of `parent`.  The tree of PIDs holds a reference from now on.  The caller holds process_lock. */
void process_link(struct process *p, struct process *parent);

/* Remove `p` and its leader from all tables and lists, and free its numbers if no other process
 * uses them.  The caller must then drop the table's references (process_reap()).  The caller holds
 * process_lock. */
void process_unlink(struct process *p);

/* Add a thread to the list of its process and to the hash of TIDs, which holds a reference to the
 * thread; or remove it from both, after which the caller drops that reference.  The caller holds
 * process_lock and the signals.lock of the process. */
void thread_link(struct thread *t, struct process *p);
void thread_unlink(struct thread *t);

/* Give the thread another TID, under which thread_find() finds it from now on.  The caller holds
 * process_lock. */
void thread_renumber(struct thread *t, tid_t tid);

/* The process with this PID, without a reference, or NULL.  The caller holds process_lock. */
struct process *process_lookup(pid_t pid);

/* All memory of a thread except its structure has been freed: drop its reference to the process. */
void process_thread_freed(struct thread *t);

/* Threads that have left the tables, but whose memory is not free yet; atomic. */
extern u32 threads_left;

/* Make the tables empty. */
void process_tables_init(void);

/* Free a number that no process, group or session has any more.  If one still has it, do nothing.
 * The caller holds process_lock. */
void process_number_release(pid_t number);

/* The process in one of the trees with this number there (BY_PID: 0) and the lowest PID that is at
 * least `from`, without a reference; NULL if there is none.  The caller holds process_lock.  So
 * process_from(BY_GROUP, group, 0) is the first member of a group. */
struct process *process_from(enum process_tree tree, pid_t number, pid_t from);

/* Enter `p` into one of the trees, with its number and PID of now.  The caller holds
 * process_lock. */
void process_enter(struct process *p, enum process_tree tree);
extern struct treap process_trees[PROCESS_TREES];

extern u32 thread_limit; /* most threads at one time; it follows from the size of the memory */

/* --- signal.c, signal_action.c, signal_queue.c ------------------------------------------------ */

#define SIGNAL_STOP_SET                                                                            \
	(SIGNAL_BIT(SIGSTOP) | SIGNAL_BIT(SIGTSTP) | SIGNAL_BIT(SIGTTIN) | SIGNAL_BIT(SIGTTOU))
#define SIGNAL_IGNORE_SET                                                                          \
	(SIGNAL_BIT(SIGCHLD) | SIGNAL_BIT(SIGCONT) | SIGNAL_BIT(SIGURG) | SIGNAL_BIT(SIGWINCH))
#define SIGNAL_JOB_SET	   (SIGNAL_STOP_SET | SIGNAL_BIT(SIGCONT))
#define SIGNAL_UNBLOCKABLE (SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP))

/* Make a copy of the actions, or default actions if `from` is NULL.  NULL: no memory.  Drop a
 * reference (NULL: do nothing). */
struct signal_actions *signal_actions_copy(struct signal_actions *from);
void signal_actions_put(struct signal_actions *a);

/* Set every action that is a handler to SIG_DFL, and keep those that are SIG_IGN (exec).  No other
 * process has a reference. */
void signal_actions_reset(struct signal_actions *a);

/* A copy of the action for `signal`.  `taken`: a thread has taken the signal, so SA_RESETHAND takes
 * effect.  The actions of a process stay the same object under process_lock, and under its
 * signals.lock. */
struct sigaction signal_action_of(struct signal_actions *a, int signal, bool taken);

/* The same without taking it; the caller holds the lock of the actions. */
struct sigaction signal_action_get(const struct signal_actions *a, int signal);

/* The caller of the following functions holds the signals.lock of the process. */

/* Remove one pending signal that is in `set`, sent to the calling thread or to its process, and
 * fill `info`.  Returns its number, or 0 if none is pending. */
int signal_take(sigset_t set, struct siginfo *info);

/* signal_set_mask() of the calling thread, `t`. */
void signal_set_mask_locked(struct thread *t, sigset_t mask);

#define DISCARD_BATCH 16

/* Discard the signals in `set` that are pending for the process or for any of its threads.  Returns
 * true after a part of them: there may be more.  `place`, in signals.targets, marks how far it has come;
 * it belongs to no thread, as its `queue`, which is not initialized, shows. */
bool signal_discard(struct process *p, sigset_t set, struct thread_signals *place);

/* Make all other threads of the process test again whether they can take a signal that is pending
 * for the process.  Called when the thread that was notified can no longer take it. */
void signal_retarget(struct process *p);

#define LAST_OF_NUMBER(first) list_entry((first)->same.prev, struct queued_signal, same)

/* The first entry of a queue with a signal of `set`, or NULL: at most one step for each number. */
static inline struct queued_signal *signal_queue_find(struct list *queue, sigset_t set)
{
	struct queued_signal *entry;

	list_for_each (entry, queue, link) {
		if (SIGNAL_BIT(entry->info.signo) & set)
			return entry;
		entry = LAST_OF_NUMBER(entry);
	}
	return NULL;
}

/* What is pending for the thread alone: not a stop signal before a SIGCONT, nor the reverse. */
static inline sigset_t signal_own(const struct thread *t)
{
	/* sigpending() has no lock, so in this order: what is void is removed before the turn is set. */
	u32 turn = READ_ONCE(t->signals.job_turn);
	sigset_t own = READ_ONCE(t->signals.pending);

	if (unlikely(own & SIGNAL_JOB_SET) && turn != READ_ONCE(t->process->signals.job_turn))
		own &= ~SIGNAL_JOB_SET;
	return own;
}

/* Remove the entries of the signals in `set` from a queue of `p`, and their bits from *pending.  After
 * so many it returns true: there are more. */
bool signal_queue_discard(struct process *p, struct list *queue, sigset_t *pending, sigset_t set);

/* Remove one entry of a queue of `p` and free it, unless it belongs to a timer.  The caller holds
 * signals.lock. */
void signal_entry_free(struct process *p, struct queued_signal *entry);

/* Free the entries of a queue of `p`, to which nothing is added any more, since the thread or the
 * process has ended.  Takes signals.lock for moments. */
void signal_flush_queue(struct process *p, struct list *queue);

/* Send a signal to the thread `only`, or with NULL to the process.  `entry` is that of a timer,
 * with its siginfo, or NULL.  The caller holds signals.lock.  0, or -EAGAIN for a real-time signal
 * that cannot be queued. */
int signal_send_locked(struct process *p, struct thread *only, int signal,
		       const struct siginfo *info, struct queued_signal *entry);

/* Report to the parent that the process has stopped or continued (`code` is CLD_STOPPED or
 * CLD_CONTINUED): send SIGCHLD and wake its wait() calls.  The caller holds process_lock, but no
 * signals.lock. */
void signal_notify_change(struct process *p, int code, int signal);

/* Report to the parent that the process has ended.  True: the parent's action for SIGCHLD says that
 * it will not wait (POSIX, _exit()), so the caller must reap the process.  The caller holds
 * process_lock, but no signals.lock. */
bool signal_notify_end(struct process *p);

/* Split a wait status for siginfo: returns CLD_EXITED or CLD_KILLED and sets *status to the exit
 * code or the signal (si_status). */
int wait_status_code(int wait_status, int *status);

/* Must the thread stop with its process?  A traced thread takes part in each stop once.  Then its
 * tracer decides.  The caller holds signals.lock. */
static inline bool signal_stops(const struct thread *t)
{
	const struct stop_state *s = &t->process->stop;

	return s->stopped && !(ptrace_on(t) && t->signals.stop_generation == s->generation);
}

/* --- news.c ----------------------------------------------------------------------------------- */

#define CROWD_MIN 16 /* with more threads, a process gets news in pieces: kernel/linux/crowd */

/* Notify the thread of the present state of its process: it must die or stop, or can take a pending
 * signal.  `continued`: wake it if it has stopped.  Not the thread `exiting`, which ends by itself, or
 * NULL.  The caller holds signals.lock.  Any context. */
void news_tell(struct thread *t, bool continued, const struct thread *exiting);

/* The same for all threads of the process; if they are many, for some now and the others soon. */
void news_spread(struct process *p, bool continued, const struct thread *exiting);

/* --- dying.c ---------------------------------------------------------------------------------- */

/* Must the thread end, because its process ends or because another thread calls exec?  The caller
 * holds signals.lock. */
static inline bool signal_dying(const struct thread *t)
{
	const struct process *p = t->process;

	return p->group_exiting || (p->exec.thread && p->exec.thread != t);
}

/* Make all threads of the process end, and the process with `wait_status`.  If an earlier call has
 * decided that already, do nothing.  `exiting` is the thread that calls exit_group(), or NULL; it
 * is not notified, since it ends by itself.  The caller holds signals.lock. */
void signal_group_exit(struct process *p, int wait_status, const struct thread *exiting);

