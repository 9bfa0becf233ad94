/* SPDX-License-Identifier: MIT
 *
 * Sending signals: queues, masks, which thread takes one, stopping and continuing.  POSIX 2.4,
 * signal(7).  What happens to a thread that takes one is in signal_deliver.c.
 */
#include "kernel/task/signal.h"

#include "kernel/lib/abi.h"
#include "kernel/lib/errno.h"
#include "kernel/mem/slab.h"
#include "kernel/task/internal.h"
#include "kernel/task/sched.h"

/* Raised by the thread's own instructions: taken before all others. */
#define SYNCHRONOUS_SET                                                                            \
	(SIGNAL_BIT(SIGSEGV) | SIGNAL_BIT(SIGBUS) | SIGNAL_BIT(SIGILL) | SIGNAL_BIT(SIGTRAP) |     \
	 SIGNAL_BIT(SIGFPE) | SIGNAL_BIT(SIGSYS))

/* --- Queues ----------------------------------------------------------------------------------- */

/* From the process and all its threads. */
void signal_discard(struct process *p, sigset_t set)
{
	struct thread *t;

	signal_queue_discard(p, &p->signals.queue, &p->signals.pending, set);
	list_for_each (t, &p->threads, process_link)
		signal_queue_discard(p, &t->signals.queue, &t->signals.pending, set);
}

static int take_from(struct process *p, struct list *queue, sigset_t *pending, sigset_t set,
		     struct siginfo *info)
{
	sigset_t ready = *pending & set;
	struct queued_signal *entry, *found = NULL;
	bool more = false;
	int signal;

	if (!ready)
		return 0;
	signal = __builtin_ctzl(ready & SYNCHRONOUS_SET ? ready & SYNCHRONOUS_SET : ready) + 1;
	list_for_each (entry, queue, link) {
		if (entry->info.signo != signal)
			continue;
		more = found;
		if (more)
			break;
		found = entry;
	}
	if (found) {
		*info = found->info;
		signal_entry_free(p, found);
	} else {
		*info = (struct siginfo){.signo = signal, .code = SI_USER};
	}
	if (!more)
		*pending &= ~SIGNAL_BIT(signal);
	return signal;
}

int signal_take(sigset_t set, struct siginfo *info)
{
	struct thread *t = current_thread();
	struct process *p = t->process;
	int signal;

	assert_held(&p->signals.lock);
	signal = take_from(p, &t->signals.queue, &t->signals.pending, set, info);
	return signal ? signal : take_from(p, &p->signals.queue, &p->signals.pending, set, info);
}

struct sigaction signal_action_of(struct process *p, int signal)
{
	u64 flags = spin_lock_irq(&p->signals.lock);
	struct sigaction action = p->signals.actions[signal - 1];

	spin_unlock_irq(&p->signals.lock, flags);
	return action;
}

/* --- Who has work ----------------------------------------------------------------------------- */

bool signal_dying(const struct thread *t)
{
	const struct process *p = t->process;

	return p->group_exiting || (p->exec.thread && p->exec.thread != t);
}

static bool wants(const struct thread *t, int signal)
{
	return !t->exited && (~t->signals.mask | t->signals.wait_set) & SIGNAL_BIT(signal);
}

void signal_recalculate(struct thread *t)
{
	struct process *p = t->process;

	assert_held(&p->signals.lock);
	if (signal_dying(t) || p->stop.stopped || p->stop.continue_notify ||
	    (t->signals.pending | p->signals.pending) & (~t->signals.mask | t->signals.wait_set))
		thread_notify(t, WORK_SIGNAL);
	else if (t == current_thread())
		__atomic_fetch_and(&t->pending_work, ~WORK_SIGNAL, __ATOMIC_SEQ_CST);
}

void signal_retarget(struct process *p)
{
	struct thread *t;

	assert_held(&p->signals.lock);
	if (!p->signals.pending)
		return;
	list_for_each (t, &p->threads, process_link)
		if (!t->exited && t != current_thread())
			signal_recalculate(t);
}

/* Who takes a signal that was sent to the process: the calling thread, the leader (the first in the
 * list), any that does not block it; else any at all, or NULL once the process was waited for. */
static struct thread *choose_thread(struct process *p, int signal)
{
	struct thread *t = current_thread(), *living = NULL;

	if (t->process == p && wants(t, signal))
		return t;
	list_for_each (t, &p->threads, process_link) {
		if (wants(t, signal))
			return t;
		if (!t->exited)
			living = t;
	}
	return living;
}

/* Make all threads of `p` end, except `except` (NULL: none).  signals.lock is held. */
static void end_threads(struct process *p, const struct thread *except)
{
	struct thread *t;

	list_for_each (t, &p->threads, process_link)
		if (t != except && !t->exited)
			thread_notify(t, WORK_SIGNAL | WORK_KILLED);
}

void signal_group_exit(struct process *p, int wait_status, const struct thread *exiting)
{
	assert_held(&p->signals.lock);
	if (p->group_exiting)
		return;
	p->group_exit_code = wait_status;
	p->group_exiting = true;
	p->stop.stopped = false;
	end_threads(p, exiting);
}

void signal_exec_kill(struct process *p, struct thread *survivor)
{
	assert_held(&p->signals.lock);
	p->exec.thread = survivor;
	end_threads(p, survivor);
}

/* --- Sending ---------------------------------------------------------------------------------- */

/* SIGCONT lets a stopped process go on, whatever else becomes of the signal, and undoes stop
 * signals that wait; these undo a SIGCONT that waits (POSIX 2.4.1). */
static void stop_or_continue(struct process *p, int signal)
{
	struct thread *t;

	if (SIGNAL_BIT(signal) & SIGNAL_STOP_SET)
		signal_discard(p, SIGNAL_BIT(SIGCONT));
	if (signal != SIGCONT)
		return;
	signal_discard(p, SIGNAL_STOP_SET);
	p->stop.dequeued = false;
	if (!p->stop.stopped)
		return;
	p->stop.stopped = false;
	p->stop.continue_pending = true;
	p->stop.continue_notify = true;
	list_for_each (t, &p->threads, process_link)
		thread_wake_from(t, THREAD_STOPPED);
}

/* Nothing would come of it.  A blocked signal stays, since its action may be another one when it
 * is unblocked.  Init gets only what it has a handler for. */
static bool is_ignored(struct process *p, const struct thread *t, int signal, u64 handler)
{
	if (t->signals.mask & SIGNAL_BIT(signal))
		return false;
	return handler == SIG_IGN ||
	       (handler == SIG_DFL &&
		(SIGNAL_BIT(signal) & SIGNAL_IGNORE_SET || p == init_process));
}

/* Does it end the process as soon as `t` takes it? */
static bool is_fatal(const struct thread *t, int signal, u64 handler)
{
	return handler == SIG_DFL && !(t->signals.mask & SIGNAL_BIT(signal)) &&
	       !(SIGNAL_BIT(signal) & SIGNAL_STOP_SET);
}

/* 0 or -EAGAIN.  A real-time signal of sigqueue() must not be lost (POSIX); of others the bit alone
 * may have to do. */
static int enqueue(struct process *p, struct list *queue, int signal, const struct siginfo *info,
		   struct queued_signal *entry)
{
	bool fresh = !entry;

	if (fresh && p->signals.queued < process_limit(p, RLIMIT_SIGPENDING))
		entry = kzalloc(sizeof(*entry));
	if (!entry)
		return signal >= SIGRTMIN && info && info->code != SI_USER ? -EAGAIN : 0;
	if (fresh) {
		p->signals.queued++;
		if (info)
			entry->info = *info;
		else
			entry->info.code = SI_KERNEL;
		entry->info.signo = signal;
	}
	list_push_back(queue, &entry->link);
	return 0;
}

/* `only` NULL: for the process.  `entry`: a timer's own, with its info in it. */
static int send_locked(struct process *p, struct thread *only, int signal,
		       const struct siginfo *info, struct queued_signal *entry)
{
	sigset_t *pending = only ? &only->signals.pending : &p->signals.pending;
	struct thread *target;
	u64 handler;
	int result;

	assert_held(&p->signals.lock);
	if (signal == 0) /* kill() only asks whether it could */
		return 0;
	target = only ? only : choose_thread(p, signal);
	if (!target || target->exited || p->group_exiting)
		return 0;
	stop_or_continue(p, signal);
	handler = p->signals.actions[signal - 1].handler;
	if (is_ignored(p, target, signal, handler))
		return 0;
	/* While it is stopped, only SIGKILL does anything to it (POSIX 2.4.3). */
	if (is_fatal(target, signal, handler) && (!p->stop.stopped || signal == SIGKILL)) {
		signal_group_exit(p, signal, NULL);
		return 0;
	}
	if (signal < SIGRTMIN && *pending & SIGNAL_BIT(signal))
		return 0; /* one of a kind waits already */
	result = enqueue(p, only ? &only->signals.queue : &p->signals.queue, signal, info, entry);
	if (result < 0)
		return result;
	*pending |= SIGNAL_BIT(signal);
	if (wants(target, signal))
		thread_notify(target, WORK_SIGNAL);
	return 0;
}

int signal_send_process(struct process *p, int signal, const struct siginfo *info)
{
	u64 flags = spin_lock_irq(&p->signals.lock);
	int result = send_locked(p, NULL, signal, info, NULL);

	spin_unlock_irq(&p->signals.lock, flags);
	return result;
}

int signal_send_thread(struct thread *t, int signal, const struct siginfo *info)
{
	struct process *p = t->process;
	u64 flags = spin_lock_irq(&p->signals.lock);
	int result = send_locked(p, t, signal, info, NULL);

	spin_unlock_irq(&p->signals.lock, flags);
	return result;
}

void signal_send_timer(struct process *p, struct thread *only, struct queued_signal *entry,
		       u32 count)
{
	u64 flags = spin_lock_irq(&p->signals.lock);
	s64 overrun = count;

	if (list_empty(&entry->link)) {
		entry->info.timer.overrun = (s32)MIN(overrun - 1, (s64)INT32_MAX);
		(void)send_locked(p, only, entry->info.signo, NULL, entry);
	} else {
		overrun += entry->info.timer.overrun;
		entry->info.timer.overrun = (s32)MIN(overrun, (s64)INT32_MAX);
	}
	spin_unlock_irq(&p->signals.lock, flags);
}

void signal_cancel_timer(struct process *p, struct queued_signal *entry)
{
	u64 flags = spin_lock_irq(&p->signals.lock);

	/* The bit stays: with nothing queued for it the signal comes once more, as sent by nobody.
	 */
	list_remove(&entry->link);
	spin_unlock_irq(&p->signals.lock, flags);
}

/* One of many that get it: a fork() under way must see that (fork.c). */
static int send_as_member(struct process *p, int signal, const struct siginfo *info)
{
	u64 flags = spin_lock_irq(&p->signals.lock);
	int result;

	p->signals.group_signals++;
	result = send_locked(p, NULL, signal, info, NULL);
	spin_unlock_irq(&p->signals.lock, flags);
	return result;
}

int signal_send_group(pid_t group, int signal, const struct siginfo *info)
{
	u64 flags = spin_lock_irq(&process_lock);
	int result = -ESRCH;
	struct process *p;

	list_for_each (p, process_group_bucket(group), job.group_link)
		if (p->job.group == group) {
			int one = send_as_member(p, signal, info);

			if (result != 0)
				result = one; /* it is enough that one gets it */
		}
	spin_unlock_irq(&process_lock, flags);
	return result;
}

/* To everyone but init and the caller.  The lock is not held over the walk; a child made meanwhile
 * has a higher number, or its fork() starts again. */
static int send_to_all(int signal, const struct siginfo *info)
{
	struct process *p = process_next(2);
	int result = -ESRCH;

	while (p) {
		pid_t next = p->pid + 1;

		if (p != current_process()) {
			int one = send_as_member(p, signal, info);

			if (result != 0)
				result = one;
		}
		process_put(p);
		p = process_next(next);
	}
	return result;
}

int signal_kill(pid_t pid, int signal, const struct siginfo *info)
{
	struct thread *t;
	int result;

	if (signal < 0 || signal > SIGNAL_COUNT)
		return -EINVAL;
	if (pid == -1)
		return send_to_all(signal, info);
	if (pid == 0)
		return signal_send_group(current_process()->job.group, signal, info);
	if (pid == INT32_MIN)
		return -ESRCH;
	if (pid < 0)
		return signal_send_group(-pid, signal, info);
	t = thread_find(pid); /* a leader as well as any other thread names its process (Linux) */
	if (!t)
		return -ESRCH;
	result = signal_send_process(t->process, signal, info);
	thread_put(t);
	return result;
}

void signal_force(int signal, const struct siginfo *info)
{
	struct thread *t = current_thread();
	struct process *p = t->process;
	u64 flags = spin_lock_irq(&p->signals.lock), handler;

	handler = p->signals.actions[signal - 1].handler;
	if (handler <= SIG_IGN || t->signals.mask & SIGNAL_BIT(signal))
		signal_group_exit(p, signal, NULL); /* init too: it cannot go on */
	else
		(void)send_locked(p, t, signal, info, NULL);
	spin_unlock_irq(&p->signals.lock, flags);
}

void signal_send_self(int signal)
{
	struct process *p = current_process();
	struct siginfo info = {.signo = signal, .kill = {p->pid, p->credentials.uid, 0}};

	signal_send_thread(current_thread(), signal, &info);
}

void signal_force_fault(int signal, int code, u64 address)
{
	struct siginfo info = {.signo = signal, .code = code, .fault.address = address};

	signal_force(signal, &info);
}

int wait_status_code(int wait_status, int *status)
{
	*status = wait_status & 0x7f ? wait_status & 0x7f : wait_status >> 8 & 0xff;
	return wait_status & 0x7f ? CLD_KILLED : CLD_EXITED;
}

static void notify_parent(struct process *p, int signal, int code, int status)
{
	struct siginfo info = {.signo = signal, .code = code};
	struct resource_use use;

	process_own_use(p, &use);
	info.child.pid = p->pid;
	info.child.uid = p->credentials.uid;
	info.child.status = status;
	info.child.utime = (s64)(use.user_ns / (NSEC_PER_SEC / 100)); /* clock ticks */
	info.child.stime = (s64)(use.kernel_ns / (NSEC_PER_SEC / 100));
	if (signal)
		(void)signal_send_process(p->parent, signal, &info);
	wait_wake_all(&p->parent->child_wait);
}

void signal_notify_change(struct process *p, int code, int signal)
{
	assert_held(&process_lock);
	if (p->parent != kernel_process) {
		bool quiet = signal_action_of(p->parent, SIGCHLD).flags & SA_NOCLDSTOP;

		notify_parent(p, quiet ? 0 : SIGCHLD, code, signal);
	}
}

bool signal_notify_end(struct process *p)
{
	struct sigaction action = signal_action_of(p->parent, SIGCHLD);
	bool ignored = action.handler == SIG_IGN;
	int status, code = wait_status_code(p->exit_code, &status);

	assert_held(&process_lock);
	/* Only SIGCHLD's action says that nobody will wait (POSIX, _exit()). */
	if (p->exit_signal != SIGCHLD) {
		notify_parent(p, p->exit_signal, code, status);
		return false;
	}
	notify_parent(p, ignored ? 0 : SIGCHLD, code, status);
	return ignored || action.flags & SA_NOCLDWAIT;
}
