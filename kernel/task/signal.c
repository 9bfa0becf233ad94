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

/* Signals that an instruction of the thread causes.  They are taken before all others. */
#define SYNCHRONOUS_SET                                                                            \
	(SIGNAL_BIT(SIGSEGV) | SIGNAL_BIT(SIGBUS) | SIGNAL_BIT(SIGILL) | SIGNAL_BIT(SIGTRAP) |     \
	 SIGNAL_BIT(SIGFPE) | SIGNAL_BIT(SIGSYS))

/* --- Queues ----------------------------------------------------------------------------------- */

bool signal_discard(struct process *p, sigset_t set, struct thread_signals *place)
{
	bool more = signal_queue_discard(p, &p->signals.queue, &p->signals.pending, set);

	for (u32 n = 0; !more && place->target_link.next != &p->signals.targets; n++) {
		struct thread_signals *s =
		    list_entry(place->target_link.next, struct thread_signals, target_link);

		if (n == DISCARD_BATCH / 4 || signal_queue_discard(p, &s->queue, &s->pending, set))
			return true;
		list_remove(&s->target_link);
		if (s->pending || !s->queue.next) /* so it is another one's place */
			list_push_back(&place->target_link, &s->target_link);
	}
	return more;
}

/* Remove the first of the pending signals `ready` from one queue, and fill `info`.  Returns its number.
 * The signal stays pending if a second entry for it is queued. */
static int take_from(struct process *p, struct list *queue, sigset_t *pending, sigset_t ready,
		     struct siginfo *info)
{
	int signal = __builtin_ctzl(ready & SYNCHRONOUS_SET ? ready & SYNCHRONOUS_SET : ready) + 1;
	struct queued_signal *found = signal_queue_find(queue, SIGNAL_BIT(signal));

	if (!found || list_empty(&found->same)) /* else another one stays */
		*pending &= ~SIGNAL_BIT(signal);
	*info = found ? found->info : (struct siginfo){.signo = signal, .code = SI_USER};
	if (found)
		signal_entry_free(p, found);
	return signal;
}

int signal_take(sigset_t set, struct siginfo *info)
{
	struct thread *t = current_thread();
	struct process *p = t->process;
	sigset_t own = signal_own(t) & set, shared = p->signals.pending & set;

	assert_held(&p->signals.lock);
	if (own)
		return take_from(p, &t->signals.queue, &t->signals.pending, own, info);
	return shared ? take_from(p, &p->signals.queue, &p->signals.pending, shared, info) : 0;
}

/* --- Which thread has work -------------------------------------------------------------------- */

/* Is the thread alive, and does it either not block the signal or wait for it in signal_wait()? */
static bool can_take(const struct thread *t, int signal)
{
	return !t->exited && ((~t->signals.mask | t->signals.wait_set) & SIGNAL_BIT(signal));
}

void signal_retarget(struct process *p)
{
	assert_held(&p->signals.lock);
	if (p->signals.pending)
		news_spread(p, false, NULL);
}

/* Choose the thread that takes a signal sent to the process: the calling thread if it can, else the
 * first thread in the list that can (the leader comes first).  If all block the signal, or the first
 * of many do, any living thread; if none lives, NULL. */
static struct thread *choose_thread(struct process *p, int signal)
{
	struct thread *t = current_thread(), *living = NULL;
	u32 n = 0;

	if (t->process == p && can_take(t, signal))
		return t;
	list_for_each (t, &p->threads, process_link) {
		if (can_take(t, signal))
			return t;
		if (!t->exited)
			living = t;
		if (WITH_CROWD && living && ++n == CROWD_MIN)
			break;
	}
	return living;
}

/* --- Sending ---------------------------------------------------------------------------------- */

/* A stop signal discards a pending SIGCONT, and SIGCONT discards pending stop signals; those of
 * threads, which may be thousands, are void from now on (signal_own()).  SIGCONT also continues a
 * stopped process, even if the signal itself is blocked or ignored (POSIX 2.4.1). */
static void stop_or_continue(struct process *p, int signal)
{
	if (SIGNAL_BIT(signal) & SIGNAL_JOB_SET && p->signals.job_turn % 2 != (signal == SIGCONT)) {
		WRITE_ONCE(p->signals.job_turn, p->signals.job_turn + 1);
		(void)signal_queue_discard(p, &p->signals.queue, &p->signals.pending,
					   SIGNAL_JOB_SET);
	}
	if (signal != SIGCONT)
		return;
	p->stop.dequeued = false;
	if (p->stop.stopped)
		p->stop.continue_pending = p->stop.continue_notify = true;
	p->stop.stopped = false;
	news_spread(p, true, NULL);
}

/* Would the signal have no effect?  A blocked signal is kept, since its action may be different
 * when it is unblocked.  Init only gets signals for which it has a handler. */
static bool is_ignored(struct process *p, const struct thread *t, int signal, u64 handler)
{
	if (t->signals.mask & SIGNAL_BIT(signal) || (ptrace_on(t) && signal != SIGKILL))
		return false; /* the tracer sees it first */
	return handler == SIG_IGN ||
	       (handler == SIG_DFL &&
		(SIGNAL_BIT(signal) & SIGNAL_IGNORE_SET || p == init_process));
}

/* Would the signal end the process as soon as `t` takes it? */
static bool is_fatal(const struct thread *t, int signal, u64 handler)
{
	return handler == SIG_DFL && !(t->signals.mask & SIGNAL_BIT(signal)) &&
	       !(SIGNAL_BIT(signal) & SIGNAL_STOP_SET) && (!ptrace_on(t) || signal == SIGKILL);
}

/* Append an entry with `info` to the queue.  If there is no memory or the limit is reached, -EAGAIN
 * for a real-time signal of sigqueue(), which must not be lost (POSIX).  For other signals the
 * pending bit without an entry is enough: 0. */
static int enqueue(struct process *p, struct list *queue, int signal, const struct siginfo *info,
		   struct queued_signal *entry)
{
	struct queued_signal *first;
	bool fill = !entry; /* a timer brings its own */
	/* The limit is for sigqueue(): kill() and the kernel get their entry beyond it. */
	u64 limit = signal < SIGRTMIN && (!info || info->code >= 0)
			? UINT64_MAX
			: process_limit(p, RLIMIT_SIGPENDING);

	if (fill && user_count_signal(p, 1, limit)) {
		entry = list_empty(&p->signals.first.link) ? &p->signals.first : kzalloc(sizeof(*entry));
		if (!entry)
			(void)user_count_signal(p, -1, 0);
	}
	if (!entry)
		return signal >= SIGRTMIN && info && info->code != SI_USER ? -EAGAIN : 0;
	if (fill) {
		entry->info = info ? *info : (struct siginfo){.code = SI_KERNEL};
		entry->info.signo = signal;
	}
	first = signal_queue_find(queue, SIGNAL_BIT(signal));
	list_push_front(first ? &LAST_OF_NUMBER(first)->link : queue->prev, &entry->link);
	list_init(&entry->same);
	if (first)
		list_push_back(&first->same, &entry->same);
	return 0;
}

int signal_send_locked(struct process *p, struct thread *only, int signal,
		       const struct siginfo *info, struct queued_signal *entry)
{
	sigset_t *pending = only ? &only->signals.pending : &p->signals.pending;
	struct thread *target;
	u64 handler;
	int result;

	assert_held(&p->signals.lock);
	if (signal == 0) /* kill(pid, 0) only tests whether the process exists */
		return 0;
	target = only ? only : choose_thread(p, signal);
	if (!target || target->exited || p->group_exiting)
		return 0;
	stop_or_continue(p, signal);
	handler = READ_ONCE(p->signals.actions->of[signal - 1].handler);
	if (is_ignored(p, target, signal, handler))
		return 0;
	/* While the process is stopped, only SIGKILL acts at once; others wait for SIGCONT (POSIX
	 * 2.4.3). */
	if (is_fatal(target, signal, handler) && (!p->stop.stopped || signal == SIGKILL)) {
		signal_group_exit(p, signal, NULL);
		return 0;
	}
	if (only && only->signals.job_turn != p->signals.job_turn) {
		(void)signal_queue_discard(p, &only->signals.queue, pending, SIGNAL_JOB_SET);
		WRITE_ONCE(only->signals.job_turn, p->signals.job_turn); /* see signal_own() */
	}
	if (signal < SIGRTMIN && *pending & SIGNAL_BIT(signal))
		return 0; /* signals that are not real-time are pending at most once */
	result = enqueue(p, only ? &only->signals.queue : &p->signals.queue, signal, info, entry);
	if (result < 0)
		return result;
	*pending |= SIGNAL_BIT(signal);
	if (only && list_empty(&only->signals.target_link))
		list_push_back(&p->signals.targets, &only->signals.target_link);
	if (can_take(target, signal))
		thread_notify(target, WORK_SIGNAL);
	else if (WITH_CROWD && !only && p->thread_count > CROWD_MIN)
		news_spread(p, false, NULL); /* others may be able to take it */
	return 0;
}

/* Send a signal to the thread `only`, or with NULL to the process.  `member`: as
 * signal_send_member(). */
static int send(struct process *p, struct thread *only, int signal, const struct siginfo *info,
		bool member)
{
	u64 flags = spin_lock_irq(&p->signals.lock);
	/* The list is empty if it has been reaped: then it has no leader any more. */
	bool may = !member || !info || list_empty(&p->threads) || may_signal(p->leader, signal);
	int result = may ? signal_send_locked(p, only, signal, info, NULL) : -EPERM;

	p->signals.group_signals += member && may && signal; /* 0 is only a question */
	spin_unlock_irq(&p->signals.lock, flags);
	signal_sent(p);
	return result;
}

int signal_send_member(struct process *p, int signal, const struct siginfo *info)
{
	return send(p, NULL, signal, info, true);
}

int signal_send_process(struct process *p, int signal, const struct siginfo *info)
{
	return send(p, NULL, signal, info, false);
}

int signal_send_thread(struct thread *t, int signal, const struct siginfo *info)
{
	return send(t->process, t, signal, info, false);
}

int signal_send_group(pid_t group, int signal, const struct siginfo *info)
{
	u64 flags = spin_lock_irq(&process_lock);
	int result = -ESRCH;
	bool sent = WITH_CROWD && crowd_signal(group, signal, info, flags, &result);
	struct process *p = sent ? NULL : process_from(BY_GROUP, group, 0);

	for (; p; p = process_from(BY_GROUP, group, p->pid + 1)) {
		int one = signal_send_member(p, signal, info);

		if (result != 0)
			result = one; /* success if at least one member got it */
	}
	spin_unlock_irq(&process_lock, flags);
	return result;
}

void signal_force(int signal, const struct siginfo *info)
{
	struct thread *t = current_thread();
	struct process *p = t->process;
	u64 flags = spin_lock_irq(&p->signals.lock), *handler, old;

	handler = &p->signals.actions->of[signal - 1].handler;
	/* signal_action() has another lock: a handler that it sets at this moment stays. */
	old = t->signals.mask & SIGNAL_BIT(signal) ? READ_ONCE(*handler) : SIG_IGN;
	__atomic_compare_exchange_n(handler, &old, SIG_DFL, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
	t->signals.mask &= ~SIGNAL_BIT(signal);
	if (READ_ONCE(*handler) == SIG_DFL && !ptrace_on(t))
		signal_group_exit(p, signal, NULL); /* even init: it cannot continue */
	else
		(void)signal_send_locked(p, t, signal, info, NULL);
	spin_unlock_irq(&p->signals.lock, flags);
}

void signal_send_self(int signal)
{
	struct thread *t = current_thread();
	struct siginfo info = {.signo = signal, .kill = {t->pid, t->credentials.uid, 0}};

	signal_send_thread(t, signal, &info);
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

/* Send `signal` (0: none) to the parent of `p` with the siginfo of SIGCHLD, and wake its wait()
 * calls.  The caller holds process_lock. */
static void send_child_signal(struct process *p, int signal, int code, int status)
{
	struct siginfo info = {.signo = signal, .code = code};
	struct resource_use use = p->use.ended_threads; /* all, if it has ended */

	if (!p->zombie) /* as on Linux */
		thread_times(p->leader, &use.user_ns, &use.kernel_ns);
	info.child.pid = p->pid;
	info.child.uid = p->leader->credentials.uid;
	info.child.status = status;
	info.child.utime = (s64)(use.user_ns / (NSEC_PER_SEC / 100)); /* clock ticks */
	info.child.stime = (s64)(use.kernel_ns / (NSEC_PER_SEC / 100));
	if (signal)
		(void)signal_send_process(p->parent, signal, &info);
	p->parent->child_events++;
	wait_wake_one(&p->parent->child_wait); /* process_wait() goes on */
}

void signal_notify_change(struct process *p, int code, int signal)
{
	assert_held(&process_lock);
	if (p->parent != kernel_process) {
		bool quiet = signal_action_of(p->parent->signals.actions, SIGCHLD, false).flags & SA_NOCLDSTOP;

		send_child_signal(p, quiet ? 0 : SIGCHLD, code, signal);
	}
}

bool signal_notify_end(struct process *p)
{
	struct sigaction action = signal_action_of(p->parent->signals.actions, SIGCHLD, false);
	bool ignored = action.handler == SIG_IGN;
	int status, code = wait_status_code(p->group_exit_code, &status);

	assert_held(&process_lock);
	/* Only the action for SIGCHLD can say that the parent will not wait (POSIX, _exit()). */
	if (p->exit_signal != SIGCHLD) {
		send_child_signal(p, p->exit_signal, code, status);
		return false;
	}
	send_child_signal(p, ignored ? 0 : SIGCHLD, code, status);
	return ignored || action.flags & SA_NOCLDWAIT;
}
